import type { Outbox } from '../outbox/outbox'
import type { Recorder } from '../recording/recorder'
import { relayed, type ProviderEvent } from './provider'

/** The page's own events, beside those of the provider. */
export type PageEvent =
  | { type: 'parley.call_connected'; provider_call_id: string; since_click_ms: number }
  | { type: 'parley.call_dropped'; cause: string }
  | { type: 'parley.recording_started' }
  | { type: 'parley.first_audio'; response_id: string; after_ms: number }
  | { type: 'parley.muted'; on: boolean }

/** Stamps events with call and times, and hands them to the outbox. */
export class Relay {
  readonly #outbox: Outbox
  readonly #now: () => number
  readonly #began: number
  #call = 0
  #recorder: Recorder | undefined

  /** `began` is when the session started, on the clock `now` (ms). */
  constructor(outbox: Outbox, now: () => number, began: number) {
    this.#outbox = outbox
    this.#now = now
    this.#began = began
  }

  /** From here on events belong to this call. */
  belongTo(call: number): void {
    this.#call = call
  }

  /** From here on events carry this recording's time as well. */
  timeBy(recorder: Recorder): void {
    this.#recorder = recorder
  }

  /** Relays a provider event as it came, unless it is one that nobody stores. */
  relay(event: ProviderEvent): void {
    if (relayed(event)) this.#append(event)
  }

  /** Adds an event of the page. */
  tell(event: PageEvent): void {
    this.#append(event)
  }

  #append(event: ProviderEvent | PageEvent): void {
    this.#outbox.append({
      call: this.#call,
      at_ms: Math.round(this.#now() - this.#began),
      rec_ms: this.#recorder?.elapsed() ?? null,
      event,
    })
  }
}
