import type { Wait } from '../outbox/backoff'
import type { Input } from './state'

/** How often it is looked, in ms. */
export const pace = 400
/** How long nothing may reach this device's store, in ms: a slice is due every second, and may be late for 1.6 s. */
export const stall = 2_600
/** How long a microphone may give no sound at all, in ms. A room is never that still. */
export const stillness = 1_600

/** What is watched. */
export type Watched = {
  /** How long ago something reached the store, in ms; undefined when nothing is recorded any more. */
  keptAgo: () => number | undefined
  /** Whether the microphone gives nothing, not even the noise of a room. */
  isStill: () => boolean
}

/**
 * Watches over a recording until `isOver`, and tells within two seconds when
 * nothing is kept or nothing is heard, and when that is over.
 */
export async function vigil(
  { keptAgo, isStill }: Watched,
  { now, wait }: { now: () => number; wait: Wait },
  isOver: () => boolean,
  onInput: (input: Input) => void,
): Promise<void> {
  let heardAt = now()
  while (!isOver()) {
    if (!isStill()) heardAt = now()
    onInput({ type: 'notice', notice: 'microphone_silent', on: now() - heardAt >= stillness })
    onInput({ type: 'notice', notice: 'recording_stalled', on: (keptAgo() ?? 0) >= stall })
    await wait(pace)
  }
}
