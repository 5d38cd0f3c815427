import type { Wait } from '../outbox/backoff'
import type { ProviderEvent } from './provider'
import type { Relay } from './relay'

/** From here on, of 0 to 1, a voice is heard: -45 dB. */
const audible = 0.25
/** How often that is looked at, in ms. */
const pace = 20
/** How long a sound may be held back on its way, in ms. */
const longest = 2_000

/** Whether the tutor is to be heard after these. */
const sounding = new Map([
  ['output_audio_buffer.started', true],
  ['output_audio_buffer.stopped', false],
  ['output_audio_buffer.cleared', false],
])

/**
 * Relays what a provider tells, and listens when the tutor begins and ends: a
 * line or a machine that stutters holds the sound back, and a turn lasts as
 * long as it is heard here, and recorded.
 */
export class Ear {
  readonly #relay: Pick<Relay, 'relay' | 'stamp'>
  readonly #level: () => number
  readonly #wait: Wait
  #over = false
  #told: Promise<unknown> = Promise.resolve()

  /** `level` is how loud the tutor is, 0 to 1. */
  constructor(relay: Pick<Relay, 'relay' | 'stamp'>, level: () => number, wait: Wait) {
    this.#relay = relay
    this.#level = level
    this.#wait = wait
  }

  /** Relays an event of a call. */
  relay(call: number, event: ProviderEvent): void {
    const loud = sounding.get(event.type)
    if (loud === undefined) this.#relay.relay(call, event)
    else this.#told = Promise.all([this.#told, this.#relayWhen(loud, call, event)])
  }

  /** Listens no more; resolves when all is relayed. */
  async close(): Promise<void> {
    this.#over = true
    await this.#told
  }

  // What is not heard began and ended when it was told.
  async #relayWhen(loud: boolean, call: number, event: ProviderEvent): Promise<void> {
    const told = this.#relay.stamp()
    const heard = await this.#listen(loud)
    this.#relay.relay(call, event, heard ? this.#relay.stamp() : told)
  }

  async #listen(loud: boolean): Promise<boolean> {
    for (let waited = 0; this.#level() >= audible !== loud; waited += pace) {
      if (this.#over || waited >= longest) return false
      await this.#wait(pace)
    }
    return true
  }
}
