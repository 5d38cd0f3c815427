import type { RelayedEvent } from '../api/types'
import type { Outbox } from '../outbox/outbox'
import type { Recorder } from '../recording/recorder'
import { relayed, type ProviderEvent } from './provider'

/** The page's own events, beside those of the provider. */
export type PageEvent =
  | { type: 'parley.call_connected'; provider_call_id: string; since_click_ms: number }
  | { type: 'parley.call_dropped'; cause: string }
  | { type: 'parley.recording_started' }
  | { type: 'parley.first_audio'; response_id: string; after_ms: number }
  | { type: 'parley.recording_stopped'; cause: string }
  | { type: 'parley.muted'; on: boolean }
  /** Push-to-talk: the learner's turn is what lies between the two. */
  | { type: 'parley.talk_pressed' }
  | { type: 'parley.talk_released'; item_id?: string; held_ms: number }

/** A moment: ms since the session began, and since the recording did if there is one. */
export type Stamp = Pick<RelayedEvent, 'at_ms' | 'rec_ms'>

/** Stamps events with call and times, and hands them to the outbox. */
export class Relay {
  readonly #outbox: Outbox
  readonly #now: () => number
  readonly #began: number
  #recorder: Pick<Recorder, 'elapsed'> | undefined

  /** `began` is when the session started, on the clock `now` (ms). */
  constructor(outbox: Outbox, now: () => number, began: number) {
    this.#outbox = outbox
    this.#now = now
    this.#began = began
  }

  /** From here on events carry this recording's time as well. */
  timeBy(recorder: Pick<Recorder, 'elapsed'>): void {
    this.#recorder = recorder
  }

  /** Relays an event of a call as it came, unless it is one that nobody stores; of another moment when its stamp is given. */
  relay(call: number, event: ProviderEvent, stamp = this.stamp()): void {
    if (relayed(event)) this.#append(call, event, stamp)
  }

  /** Adds an event of the page, about a call; of an earlier moment when its stamp is given. */
  tell(call: number, event: PageEvent, stamp = this.stamp()): void {
    this.#append(call, event, stamp)
  }

  /** What this moment, or one so many ms ago, is called in the session and in the recording; none is before its start. */
  stamp(ago = 0): Stamp {
    const recorded = this.#recorder?.elapsed()
    return {
      at_ms: before(this.#now() - this.#began, ago),
      rec_ms: recorded === undefined ? null : before(recorded, ago),
    }
  }

  #append(call: number, event: ProviderEvent | PageEvent, stamp: Stamp): void {
    this.#outbox.append({ call, ...stamp, event })
  }
}

function before(moment: number, ago: number): number {
  return Math.max(0, Math.round(moment - ago))
}
