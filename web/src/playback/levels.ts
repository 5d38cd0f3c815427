// How loud a recording is, as the server measured it: for the waveform, the
// starts of turns and the pauses.
import { path, type Client } from '../api/client'
import { Problem } from '../api/problem'
import type { Live } from '../live/live'

/** A byte for each span and speaker: 0 silence, 255 full scale, a quarter of a decibel a step. */
export type Levels = { spanMs: number; learner: Uint8Array; tutor: Uint8Array }

/** From here on somebody is heard: some −45 dBFS. */
export const heard = 75

const head = 8

/** Reads the server's form, "PLV1"; undefined when it is not of two speakers. */
export function levelsFrom(bytes: ArrayBuffer): Levels | undefined {
  const all = new Uint8Array(bytes)
  const [channels, aSecond] = all.subarray(4, head)
  if (String.fromCharCode(...all.subarray(0, 4)) !== 'PLV1' || channels !== 2 || !aSecond) return undefined
  const values = all.subarray(head)
  const side = (channel: number) => values.filter((_, place) => place % channels === channel)
  return { spanMs: 1000 / aSecond, learner: side(0), tutor: side(1) }
}

/** How long to wait for news before asking again, in ms: at first, and at most. */
const patience = { first: 2_000, most: 120_000 }

/**
 * The levels of a session's recording, which the server makes some time after
 * it; undefined when there are none to be had, or when it is over before.
 */
export async function levelsOf(
  session: string,
  { api, live }: { api: Pick<Client, 'bytes'>; live: Pick<Live, 'changed'> },
  over: AbortSignal,
): Promise<Levels | undefined> {
  for (let wait = patience.first; !over.aborted; wait = Math.min(2 * wait, patience.most)) {
    try {
      const bytes = await api.bytes(`${path(session)}/levels`)
      if (bytes.byteLength > 0) return levelsFrom(bytes)
    } catch (cause) {
      // A refusal stays one: the session is gone, or nobody is signed in.
      if (!(cause instanceof Problem)) throw cause
      if (!cause.passing) return undefined
    }
    await live.changed(session, wait)
  }
  return undefined
}
