import { backoff, type Wait } from '../outbox/backoff'
import type { Input } from './state'

/** How long a disturbed call is given to heal, in ms. */
const healing = 5_000

/** Waits for one thing at a time, and tells when it was waited for long enough. */
export class Patience {
  readonly #wait: Wait
  readonly #random: () => number
  readonly #onInput: (input: Input) => void
  #waiting = 0

  constructor(wait: Wait, random: () => number, onInput: (input: Input) => void) {
    this.#wait = wait
    this.#random = random
    this.#onInput = onInput
  }

  /** For a disturbed call to heal. */
  healing(): Promise<void> {
    return this.#after(healing, { type: 'call_lost' })
  }

  /** Before the next try, the longer the more have failed. */
  retry(tries: number): Promise<void> {
    return this.#after(backoff(tries, this.#random), { type: 'retry' })
  }

  /** No longer. */
  stop(): void {
    this.#waiting++
  }

  async #after(ms: number, input: Input): Promise<void> {
    const waiting = ++this.#waiting
    await this.#wait(ms)
    if (waiting === this.#waiting) this.#onInput(input)
  }
}
