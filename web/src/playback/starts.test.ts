import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Segment } from '../api/types'
import { boundsOf } from './levels'
import { beside, heardAt, search, snapped, speechesOf, startsOf } from './starts'

/** A row of levels, 50 ms each, with somebody heard in these parts of it, in ms. */
function row(length: number, ...parts: [number, number][]): Uint8Array {
  const inside = (ms: number) => parts.some(([from, to]) => from <= ms && ms < to)
  return Uint8Array.from({ length: length / 50 }, (_, place) => (inside(place * 50) ? 180 : 20))
}

/** Where a start lands among these parts. */
function start(told: number, parts: [number, number][], notBefore?: number) {
  return snapped(speechesOf(row(4_000, ...parts), 50), told, notBefore)
}

describe('a start that was told', () => {
  test.each([
    ['too early goes on to the words', 300, 1_000],
    ['earlier than that stays', 299, 299],
    ['while they are said goes back to where they begin', 1_999, 1_000],
  ])('%s', (_, told, want) => {
    expect(start(told, [[1_000, 2_000]])).toBe(want)
  })

  test('a moment behind short words goes back to them', () => {
    expect(start(1_300, [[1_000, 1_200]])).toBe(1_000)
    expect(start(1_301, [[1_000, 1_200]])).toBe(1_301)
  })

  test('late in a long speech stays: it began who knows where', () => {
    expect(start(2_500, [[1_000, 3_000]])).toBe(1_000)
    expect(start(2_501, [[1_000, 3_000]])).toBe(2_501)
  })

  test('takes the first of two words', () => {
    expect(
      start(1_100, [
        [900, 1_000],
        [1_200, 2_000],
      ]),
    ).toBe(900)
  })

  test('takes what a breath parts for one', () => {
    const gap = (ms: number): [number, number][] => [
      [1_000, 1_500],
      [1_500 + ms, 2_500],
    ]
    expect(start(2_000, gap(100))).toBe(1_000)
    expect(start(2_000, gap(150))).toBe(1_650)
  })

  test('does not take a click for words', () => {
    const click = (ms: number): [number, number][] => [
      [800, 800 + ms],
      [1_200, 2_000],
    ]
    expect(start(900, click(50))).toBe(1_200)
    expect(start(900, click(100))).toBe(800)
  })

  test('leaves out what was said before it', () => {
    const words: [number, number][] = [
      [900, 1_000],
      [1_200, 2_000],
    ]
    expect(start(1_100, words, 950)).toBe(1_200)
  })

  test('finds words that the recording begins with', () => {
    expect(start(120, [[0, 500]])).toBe(0)
  })

  test('is where the channel begins to be heard within reach, or what it was', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(6_000),
        fc.nat(6_000),
        (values, told, notBefore) => {
          const start = snapped(speechesOf(values, 50), told, notBefore)
          if (start === told) return
          const { heard } = boundsOf(values, 50)
          const [before = 0, at = 0] = [values[start / 50 - 1], values[start / 50]]
          expect(before).toBeLessThan(heard)
          expect(at).toBeGreaterThanOrEqual(heard)
          expect(start).toBeGreaterThanOrEqual(Math.max(told - search.back, Math.min(notBefore, told)))
          expect(start).toBeLessThanOrEqual(told + search.after)
        },
      ),
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
