import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boundsOf } from './levels'
import { jumpFrom, pausesOf, stepped } from './pauses'
import { snapped, speechesOf } from './starts'

/** Levels of 50 ms each in which the speakers are heard in these places. */
function levels(learner: string, tutor: string) {
  const row = (heard: string) => Uint8Array.from(heard, (mark) => (mark === '#' ? 180 : 10))
  return { spanMs: 50, learner: row(learner), tutor: row(tutor) }
}

describe('pauses', () => {
  test('of up to 700 ms belong to talking', () => {
    const talk = `#${'.'.repeat(14)}#`
    expect(pausesOf(levels(talk, talk))).toEqual([])
  })

  test('of more keep a moment at both ends', () => {
    const talk = `#${'.'.repeat(15)}#`
    expect(pausesOf(levels(talk, talk))).toEqual([{ from: 250, to: 650 }])
  })

  test('are none while either is heard', () => {
    expect(pausesOf(levels('.'.repeat(20), `${'.'.repeat(10)}#${'.'.repeat(9)}`))).toEqual([])
  })

  test('are there before the first and after the last word too', () => {
    const talk = `${'.'.repeat(20)}#${'.'.repeat(20)}`
    expect(pausesOf(levels(talk, talk))).toEqual([
      { from: 200, to: 850 },
      { from: 1_250, to: 1_900 },
    ])
  })

  test('hold no sound, lie apart and end after they begin', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (learner, tutor) => {
        let last = 0
        for (const { from, to } of pausesOf({ spanMs: 50, learner, tutor })) {
          expect(from).toBeGreaterThan(last)
          expect(to).toBeGreaterThan(from)
          const { quiet } = boundsOf(learner, 50)
          for (let place = from / 50; place < to / 50; place++)
            expect(learner[place] ?? 0).toBeLessThan(quiet)
          last = to
        }
      }),
    )
  })
})

describe('in a noisy room', () => {
  const span = 50

  /** Words of 600 ms between gaps of these lengths in ms, over noise of this level that varies by ±1.5 dB. */
  const talks = fc.record({
    noise: fc.integer({ min: 0, max: 130 }),
    gaps: fc.array(fc.integer({ min: 20, max: 100 }), { minLength: 3, maxLength: 12 }),
    varies: fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 97, maxLength: 97 }),
  })

  test('what lies between the words is a pause, and no word is', () => {
    fc.assert(
      fc.property(talks, ({ noise, gaps, varies }) => {
        const learner: number[] = []
        const words: [number, number][] = []
        const room = (spans: number) => {
          for (let n = 0; n < spans; n++)
            learner.push(Math.max(0, noise + (varies[learner.length % varies.length] ?? 0)))
        }
        for (const gap of gaps) {
          room(gap)
          words.push([learner.length * span, (learner.length + 12) * span])
          for (let n = 0; n < 12; n++) learner.push(190 + (n % 3) * 10)
        }
        const rows = {
          spanMs: span,
          learner: Uint8Array.from(learner),
          tutor: new Uint8Array(learner.length),
        }
        const pauses = pausesOf(rows)
        expect(pauses).toHaveLength(gaps.length)
        for (const [place, [from, to]] of words.entries()) {
          expect(pauses[place]?.to).toBe(from - 150)
          expect((pauses[place + 1]?.from ?? to + 200) - to).toBe(200)
        }
        const told = words.map(([from]) => snapped(speechesOf(rows.learner, span), from - 200))
        expect(told).toEqual(words.map(([from]) => from))
      }),
    )
  })
})

describe('in a pause from 1 s to 2 s', () => {
  const pauses = [{ from: 1_000, to: 2_000 }]

  test.each([
    [999, undefined],
    [1_000, 2_000],
    [1_999, 2_000],
    [2_000, undefined],
  ])('at %i ms one goes on at %s', (ms, to) => {
    expect(jumpFrom(pauses, ms)).toBe(to)
  })

  test.each([
    ['back out of it', 6_500, -5_000, 0],
    ['back across it', 5_500, -5_000, 500],
    ['forward', 500, 5_000, 5_500],
    ['back from the beginning', 500, -5_000, 0],
  ])('a step %s leads on', (_, ms, by, to) => {
    expect(stepped(pauses, ms, by)).toBe(to)
  })
})
