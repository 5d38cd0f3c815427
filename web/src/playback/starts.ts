// Where turns begin in the sound. What the provider says lies within some
// hundred milliseconds of it; the speaker's own channel says it exactly.
import type { Segment } from '../api/types'
import { boundsOf, type Levels } from './levels'

/** How far from the moment that was told speech may begin, in ms; `back` while it goes on at that moment. */
export const search = { before: 300, after: 700, back: 1_500 }
/** A longer silence parts two speeches, a shorter sound is a click; in ms. */
const least = { pause: 150, sound: 100 }

/** A time in which one speaker goes on speaking, in ms. */
type Speech = { from: number; to: number }

/** What is said in a row of levels. */
export function speechesOf(values: Uint8Array, spanMs: number): Speech[] {
  const all: Speech[] = []
  const { heard } = boundsOf(values, spanMs)
  values.forEach((value, place) => {
    if (value < heard) return
    const [at, last] = [place * spanMs, all.at(-1)]
    if (last && at - last.to < least.pause) last.to = at + spanMs
    else all.push({ from: at, to: at + spanMs })
  })
  return all.filter(({ from, to }) => to - from >= least.sound)
}

/**
 * Where a speaker begins near a moment, but not before what was said earlier: where the speech does that goes on then,
 * or the first within reach; the moment itself when there is none. In ms.
 */
export function snapped(speeches: readonly Speech[], moment: number, notBefore = 0): number {
  const floor = Math.max(Math.min(notBefore, moment), moment - search.back)
  const near = speeches.find(
    ({ from, to }) =>
      from >= floor && from <= moment + search.after && (from >= moment - search.before || to > moment),
  )
  return near?.from ?? moment
}

/** Where each turn begins, in ms; null where nobody knows, and where nothing was said. */
export function startsOf(segments: readonly Segment[], levels: Levels | undefined): (number | null)[] {
  const speeches = levels && {
    learner: speechesOf(levels.learner, levels.spanMs),
    tutor: speechesOf(levels.tutor, levels.spanMs),
  }
  // What a speaker said before is no part of her next turn.
  const ended = { learner: 0, tutor: 0 }
  return segments.map(({ speaker, status, started_ms, ended_ms }) => {
    if (status === 'empty' || started_ms === null) return null
    const notBefore = ended[speaker]
    ended[speaker] = ended_ms ?? started_ms
    return speeches ? snapped(speeches[speaker], started_ms, notBefore) : started_ms
  })
}

/** The place of the turn that began last by a time; −1 before the first. */
export function heardAt(starts: readonly (number | null)[], ms: number): number {
  return starts.reduce<number>((latest, start, place) => {
    if (start === null || start > ms) return latest
    return start >= (starts[latest] ?? -1) ? place : latest
  }, -1)
}

/** The place of the next turn with a start, or of the one before (`by` −1); −1 when there is none. */
export function beside(starts: readonly (number | null)[], place: number, by: 1 | -1): number {
  for (let next = place + by; next >= 0 && next < starts.length; next += by)
    if (starts[next] !== null) return next
  return -1
}
