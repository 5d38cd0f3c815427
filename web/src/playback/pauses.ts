// The pauses of a conversation, for who does not want to hear them.
import { boundsOf, type Levels } from './levels'

/** A time in which nobody is heard, in ms. */
export type Pause = { from: number; to: number }

/** The longest silence that belongs to talking, in ms. */
const breath = 700
/** What is kept of a pause, so that no word is cut and two of them do not collide, in ms. */
const kept = { atBegin: 200, atEnd: 150 }

/** The pauses of a recording that may be left out. */
export function pausesOf({ spanMs, learner, tutor }: Levels): Pause[] {
  const pauses: Pause[] = []
  const [hers, tutors] = [boundsOf(learner, spanMs).quiet, boundsOf(tutor, spanMs).quiet]
  let begun = 0
  for (let place = 0; place <= learner.length; place++) {
    const silent = place < learner.length && (learner[place] ?? 0) < hers && (tutor[place] ?? 0) < tutors
    if (silent) continue
    if ((place - begun) * spanMs > breath)
      pauses.push({ from: begun * spanMs + kept.atBegin, to: place * spanMs - kept.atEnd })
    begun = place + 1
  }
  return pauses
}

/** Where to go on from a time within a pause; undefined outside of one. */
export function jumpFrom(pauses: readonly Pause[], ms: number): number | undefined {
  return pauses.find(({ from, to }) => from <= ms && ms < to)?.to
}

/** Where a step leads; one that goes back into a pause goes to what was said before it. In ms. */
export function stepped(pauses: readonly Pause[], ms: number, by: number): number {
  const into = by < 0 ? pauses.find(({ from, to }) => from <= ms + by && ms + by < to) : undefined
  return Math.max(0, into ? into.from - 1_000 : ms + by)
}
