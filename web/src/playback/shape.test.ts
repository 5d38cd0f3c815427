import { describe, expect, test } from 'vitest'
import { bar, outline, peaks } from './shape'

describe('the waveform', () => {
  test('has the loudest of each part', () => {
    expect(peaks(Uint8Array.of(0, 255, 51, 0), 50, 200, 2)).toEqual([1, 0.2])
  })

  test('is silent where the recording goes on without levels', () => {
    expect(peaks(Uint8Array.of(255, 255), 50, 200, 2)).toEqual([1, 0])
  })

  test('shows each level in some bar when there are more bars than levels', () => {
    expect(peaks(Uint8Array.of(255, 0), 50, 100, 4)).toEqual([1, 1, 0, 0])
  })

  test('draws the learner upwards and the tutor downwards', () => {
    const half = bar.height / 2
    const levels = { spanMs: 50, learner: Uint8Array.of(255, 0), tutor: Uint8Array.of(0, 255) }
    expect(outline(levels, 100, 2 * bar.pitch)).toBe(
      `M0 0h2v${half + 0.5}h-2zM${bar.pitch} ${half - 0.5}h2v${half + 0.5}h-2z`,
    )
  })

  test('has no bars before it has a width', () => {
    expect(outline({ spanMs: 50, learner: Uint8Array.of(1), tutor: Uint8Array.of(1) }, 50, 0)).toBe('')
  })
})
