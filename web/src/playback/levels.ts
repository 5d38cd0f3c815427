// How loud a recording is, as the server measured it: for the waveform, the
// starts of turns and the pauses.
import { path, type Client } from '../api/client'
import { Problem } from '../api/problem'
import type { Live } from '../live/live'

/** A byte for each span and speaker: 0 silence, 255 full scale, a quarter of a decibel a step. */
export type Levels = { spanMs: number; learner: Uint8Array; tutor: Uint8Array }

/** Where a channel is heard, and where it is silent; what lies between is neither. */
type Bounds = { heard: number; quiet: number }

/** In a room without noise: heard from some −45 dBFS on, silent below −50; the latter lower, so that a soft end is kept. */
const stillRoom: Bounds = { heard: 75, quiet: 55 }
/** So much above a room's own noise, 8 and 5 dB: more than it varies by. */
const above: Bounds = { heard: 32, quiet: 20 }
/** Nobody speaks for as long without a gap between words, in ms. */
const phrase = 2_000

/**
 * The bounds of one channel, which lie above the noise that is always there: a
 * row of phrases nearly each has a moment in which only that is heard. Where
 * there is nothing at all, as while muted, it tells nothing of the room.
 */
export function boundsOf(values: Uint8Array, spanMs: number): Bounds {
  const span = Math.max(1, Math.round(phrase / spanMs))
  const lowest: number[] = []
  for (let at = 0; at < values.length; at += span) {
    const part = values.subarray(at, at + span)
    if (part.some((value) => value > 0)) lowest.push(Math.min(...part))
  }
  const noise = lowest.toSorted((a, b) => a - b)[Math.floor(lowest.length / 4)] ?? 0
  return {
    heard: Math.max(stillRoom.heard, noise + above.heard),
    quiet: Math.max(stillRoom.quiet, noise + above.quiet),
  }
}

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
