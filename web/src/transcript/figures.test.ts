import { describe, expect, test } from 'vitest'
import type { Segment } from '../api/types'
import { figures, wordCount } from './figures'

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
