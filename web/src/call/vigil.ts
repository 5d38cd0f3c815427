import type { Wait } from '../outbox/backoff'
import type { Input } from './state'

/** How often it is looked, in ms. */
export const pace = 250
/** How long nothing may reach this device's store, in ms: a slice is due every second, and may be late for 1.6 s. */
export const stall = 2_600
/** How long there may be no sound at all, in ms. A room is never that still. */
export const stillness = 1_200
/** The same of a microphone that is known to give nothing between words, at most. */
const longest = 10_000

/** What is watched. */
export type Watched = {
  /** How long ago something reached the store, in ms; undefined when nothing is recorded any more. */
  keptAgo: () => number | undefined
  /** Whether the microphone gives nothing, not even the noise of a room. */
  isStill: () => boolean
  /** Whether the browser has stopped all sound, as during a phone call. */
  isStopped: () => boolean
}

/**
 * Watches over a recording until `isOver`, and tells within two seconds when
 * nothing is kept or nothing is heard, and when that is over. Some headsets give
 * nothing between words: of one that came back by itself twice as much is borne.
 */
export async function vigil(
  { keptAgo, isStill, isStopped }: Watched,
  { now, wait }: { now: () => number; wait: Wait },
  isOver: () => boolean,
  onInput: (input: Input) => void,
): Promise<void> {
  let [heardAt, goingAt] = [now(), now()]
  let patience = stillness
  while (!isOver()) {
    if (!isStopped()) goingAt = now()
    if (isStopped() || !isStill()) {
      const pause = now() - heardAt
      if (pause >= patience) patience = Math.min(longest, 2 * pause)
      heardAt = now()
    }
    onInput({ type: 'notice', notice: 'sound_stopped', on: now() - goingAt >= stillness })
    onInput({ type: 'notice', notice: 'microphone_silent', on: now() - heardAt >= patience })
    onInput({ type: 'notice', notice: 'recording_stalled', on: (keptAgo() ?? 0) >= stall })
    await wait(pace)
  }
}
