import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Segment } from '../api/types'
import { heard } from './levels'
import { beside, heardAt, search, snapped, startsOf } from './starts'

/** A row of levels, 50 ms each, with somebody heard in these parts of it, in ms. */
function row(length: number, ...parts: [number, number][]): Uint8Array {
  const inside = (ms: number) => parts.some(([from, to]) => from <= ms && ms < to)
  return Uint8Array.from({ length: length / 50 }, (_, place) => (inside(place * 50) ? 180 : 20))
}

describe('a start that was told', () => {
  test.each([
    ['too late goes back to the words', 1_300, 1_000],
    ['too early goes on to the words', 300, 1_000],
    ['earlier than that stays', 299, 299],
    ['later than that stays', 1_301, 1_301],
  ])('%s', (_, told, want) => {
    expect(snapped(row(3_000, [1_000, 2_000]), 50, told)).toBe(want)
  })

  test('takes the first of two rises', () => {
    expect(snapped(row(3_000, [900, 1_000], [1_200, 2_000]), 50, 1_100)).toBe(900)
  })

  test('leaves out what was said before it', () => {
    expect(snapped(row(3_000, [900, 1_000], [1_200, 2_000]), 50, 1_100, 950)).toBe(1_200)
  })

  test('finds words that the recording begins with', () => {
    expect(snapped(row(3_000, [0, 500]), 50, 120)).toBe(0)
  })

  test('is a rise of the channel within reach, or what it was', () => {
    const values = fc.uint8Array({ maxLength: 100 })
    fc.assert(
      fc.property(values, fc.nat(6_000), (values, told) => {
        const start = snapped(values, 50, told)
        if (start === told) return
        const [before = 0, at = 0] = [values[start / 50 - 1], values[start / 50]]
        expect(before).toBeLessThan(heard)
        expect(at).toBeGreaterThanOrEqual(heard)
        expect(start).toBeGreaterThanOrEqual(told - search.before)
        expect(start).toBeLessThanOrEqual(told + search.after)
      }),
    )
  })
})

function segment(speaker: Segment['speaker'], status: Segment['status'], started_ms: number | null): Segment {
  return {
    call: 1,
    item_id: 'a',
    speaker,
    status,
    text: 'a',
    started_ms,
    ended_ms: null,
    interrupted: false,
    heard_ms: null,
  }
}

describe('the starts of turns', () => {
  const segments = [
    segment('tutor', 'final', 100),
    segment('learner', 'missing', null),
    segment('learner', 'empty', 900),
    segment('learner', 'final', 1_100),
  ]

  test('come from their own speaker’s channel', () => {
    const levels = { spanMs: 50, learner: row(3_000, [1_000, 2_000]), tutor: row(3_000, [200, 800]) }
    expect(startsOf(segments, levels)).toEqual([200, null, null, 1_000])
  })

  test('lie behind the end of what the same speaker said before', () => {
    const ended = { ...segment('learner', 'final', 200), ended_ms: 900 }
    const levels = { spanMs: 50, learner: row(3_000, [200, 600], [700, 850], [1_000, 2_000]), tutor: row(0) }
    expect(startsOf([ended, segment('learner', 'final', 1_100)], levels)).toEqual([200, 1_000])
  })

  test('are as told while there are no levels', () => {
    expect(startsOf(segments, undefined)).toEqual([100, null, null, 1_100])
  })
})

describe('the turn that is heard', () => {
  test.each([
    [999, -1],
    [1000, 0],
    [2999, 0],
    [3000, 2],
    [9000, 2],
  ])('at %i ms is %i', (ms, place) => {
    expect(heardAt([1000, null, 3000], ms)).toBe(place)
  })

  test('is the one that began last, also when the other’s words come later in the transcript', () => {
    expect(heardAt([2_000, 1_000], 2_500)).toBe(0)
  })
})

describe('the turn beside', () => {
  test.each([
    ['after the first', 0, 1, 2],
    ['before the last', 2, -1, 0],
    ['after the last', 2, 1, -1],
    ['before the first', 0, -1, -1],
    ['after none', -1, 1, 0],
  ] as const)('%s', (_, place, by, want) => {
    expect(beside([1000, null, 3000], place, by)).toBe(want)
  })
})
