// Where turns begin in the sound. What the provider says lies within some
// hundred milliseconds of it; the speaker's own channel says it exactly.
import type { Segment } from '../api/types'
import { heard, type Levels } from './levels'

/** Where a start is looked for, around the moment that was told, in ms. */
export const search = { before: 300, after: 700 }

/**
 * The first rise of a speaker's levels near a moment, but not before what was said earlier;
 * the moment itself when there is none. In ms.
 */
export function snapped(values: Uint8Array, spanMs: number, moment: number, notBefore = 0): number {
  const first = Math.ceil(Math.max(Math.min(notBefore, moment), moment - search.before) / spanMs)
  const last = Math.floor((moment + search.after) / spanMs)
  for (let place = first; place <= last; place++)
    if ((values[place] ?? 0) >= heard && (values[place - 1] ?? 0) < heard) return place * spanMs
  return moment
}

/** Where each turn begins, in ms; null where nobody knows, and where nothing was said. */
export function startsOf(segments: readonly Segment[], levels: Levels | undefined): (number | null)[] {
  // What a speaker said before is no part of her next turn.
  const ended = { learner: 0, tutor: 0 }
  return segments.map(({ speaker, status, started_ms, ended_ms }) => {
    if (status === 'empty' || started_ms === null) return null
    const notBefore = ended[speaker]
    ended[speaker] = ended_ms ?? started_ms
    return levels ? snapped(levels[speaker], levels.spanMs, started_ms, notBefore) : started_ms
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
