import type { ProviderEvent } from '../call/provider'
import type { Wait } from '../outbox/backoff'
import { awaitsText, brokenOff, captioned, type Captions } from './captions'

/** The captions of a conversation while it goes on, across all its calls. */
export class Ongoing {
  readonly #wait: Wait
  readonly #onCaptions: (captions: Captions) => void
  readonly #waiting = new Set<() => void>()
  #captions: Captions

  /** `before` is what was said in the session that this one goes on with. */
  constructor(wait: Wait, onCaptions: (captions: Captions) => void, before: Captions = []) {
    this.#wait = wait
    this.#onCaptions = onCaptions
    this.#captions = before
  }

  get captions(): Captions {
    return this.#captions
  }

  /** Whether anything was said. */
  get begun(): boolean {
    return this.#captions.some(({ text }) => text !== '')
  }

  take(event: ProviderEvent): void {
    this.#show(captioned(this.#captions, event))
  }

  /** Its call is gone. */
  breakOff(): void {
    this.#show(brokenOff(this.#captions))
  }

  /** Resolves when no turn waits for its text, or after the given ms. */
  async textsIn(atMost: number): Promise<void> {
    if (!awaitsText(this.#captions)) return
    const textsIn = new Promise<void>((resolve) => this.#waiting.add(resolve))
    await Promise.race([textsIn, this.#wait(atMost)])
  }

  #show(captions: Captions): void {
    if (captions !== this.#captions) this.#onCaptions(captions)
    this.#captions = captions
    if (awaitsText(captions)) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
