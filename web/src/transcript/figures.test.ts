import { describe, expect, test } from 'vitest'
import type { Segment } from '../api/types'
import { figures, heardAt, wordCount } from './figures'

function segment(
  speaker: Segment['speaker'],
  status: Segment['status'],
  text: string,
  started_ms: number | null,
): Segment {
  return {
    call: 1,
    item_id: text,
    speaker,
    status,
    text,
    started_ms,
    ended_ms: null,
    interrupted: false,
    heard_ms: null,
  }
}

describe('figures', () => {
  test('count the learner’s own words only, and no prompted line', () => {
    const segments = [
      segment('tutor', 'final', 'How are you today?', 0),
      segment('learner', 'final', "I'm fine, thank you.", 1000),
      segment('learner', 'prompted', 'This was given to me', 2000),
    ]
    expect(figures(segments, 'en')).toEqual({ turns: 3, words: 4 })
  })

  test('leave empty turns out', () => {
    expect(figures([segment('learner', 'empty', '', 0)], 'en')).toEqual({ turns: 0, words: 0 })
  })

  test('find words where there are no spaces', () => {
    expect(wordCount('私は学生です', 'ja')).toBeGreaterThan(1)
  })
})

describe('the turn that is heard', () => {
  const segments = [
    segment('tutor', 'final', 'a', 1000),
    segment('learner', 'missing', 'b', null),
    segment('tutor', 'final', 'c', 3000),
  ]

  test.each([
    [999, -1],
    [1000, 0],
    [2999, 0],
    [3000, 2],
    [9000, 2],
  ])('at %i ms is %i', (ms, place) => {
    expect(heardAt(segments, ms)).toBe(place)
  })
})
