import type { EventReceipt, RelayedEvent } from '../api/types'
import { takeBatch } from './batch'
import type { Retry } from './retry'
import type { EventStore } from './store'

/** What an outbox needs from its surroundings. */
export type OutboxParts = {
  session: string
  store: EventStore
  send: (session: string, events: RelayedEvent[]) => Promise<EventReceipt>
  retry: Retry
  /** This device's store refused, which is told once; the events are still being sent. */
  onStoreTrouble: (cause: unknown) => void
}

/**
 * A session's numbered events on their way to the server. One batch is under
 * way at a time; what arrives meanwhile leaves with the next. The server knows
 * events by their number, so sending again after a doubtful answer is safe.
 */
export class Outbox {
  readonly #parts: OutboxParts
  #queue: RelayedEvent[] = []
  #lastN = 0
  #sending: Promise<void> | undefined
  #writing: Promise<void> = Promise.resolve()
  #troubled = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** What of this session is tried again, its saving included. */
  get retry(): Retry {
    return this.#parts.retry
  }

  /** The number of the last event; 0 when there was none. */
  get lastN(): number {
    return this.#lastN
  }

  /** Takes up what an earlier visit left behind. Call it before anything else, or not at all. */
  async resume(relayedThrough: number): Promise<void> {
    this.#queue = await this.#parts.store.waiting(this.#parts.session)
    this.#lastN = Math.max(relayedThrough, this.#queue.at(-1)?.n ?? 0)
  }

  /** Numbers an event, keeps it on this device and sends it when its turn comes. */
  append(event: Omit<RelayedEvent, 'n'>): void {
    const numbered = { n: ++this.#lastN, ...event }
    this.#queue.push(numbered)
    this.#writing = this.#writing
      .then(() => this.#parts.store.add(this.#parts.session, numbered))
      .catch(this.#tellTrouble)
    // A refusal reaches whoever flushes; the events stay where they are.
    this.#start().catch(() => undefined)
  }

  /** Resolves when the server has answered every event; rejects with the Problem that no waiting heals. */
  async flush(): Promise<void> {
    while (this.#queue.length > 0) await this.#start()
  }

  #start(): Promise<void> {
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined
    })
    return this.#sending
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = takeBatch(this.#queue)
      await this.#parts.retry.until(() => this.#parts.send(this.#parts.session, batch))
      this.#queue.splice(0, batch.length)
      const last = batch.at(-1)
      await this.#writing // an event must not reach the store after it was dropped there
      if (last) await this.#forget(last.n)
    }
  }

  // Kept too long is harmless: what is sent twice is taken once.
  #forget(through: number): Promise<void> {
    return this.#parts.store.answered(this.#parts.session, through).catch(this.#tellTrouble)
  }

  readonly #tellTrouble = (cause: unknown): void => {
    if (this.#troubled) return
    this.#troubled = true
    this.#parts.onStoreTrouble(cause)
  }
}
