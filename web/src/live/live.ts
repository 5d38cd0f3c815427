import type { SessionChange } from '../api/types'

/** What the live line needs from its surroundings. */
export type LiveParts = {
  open: () => EventSource
  /** Browsers have none without TLS; then there are no news, and pages ask by themselves. */
  locks: LockManager | undefined
  channel: BroadcastChannel
  document: Document
}

/** Hears of a change; undefined means that some were missed and what is shown should be read again. */
type Listener = (change: SessionChange | undefined) => void

/**
 * News of my sessions. One tab holds the line to the server and passes the
 * news on; a hidden tab lets go of it, since browsers allow only six
 * connections to a server.
 */
export class Live {
  readonly #parts: LiveParts
  readonly #listeners = new Set<Listener>()
  #leaving: AbortController | undefined

  constructor(parts: LiveParts) {
    this.#parts = parts
  }

  /** Begins to listen; call it once somebody is signed in. Twice is as good as once. */
  open(): void {
    const { channel, document } = this.#parts
    channel.onmessage = (message: MessageEvent<SessionChange | undefined>) => {
      this.#tell(message.data)
    }
    document.addEventListener('visibilitychange', this.#takeTurns)
    this.#takeTurns()
  }

  close(): void {
    this.#parts.document.removeEventListener('visibilitychange', this.#takeTurns)
    this.#leave()
  }

  /** Calls the listener at each change; the answer ends that. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves at the session's next change, or after the given ms. */
  changed(session: string, atMost: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        stop()
        resolve()
      }
      const timer = setTimeout(done, atMost)
      const stop = this.subscribe((change) => {
        if (!change || change.id === session) done()
      })
    })
  }

  readonly #takeTurns = (): void => {
    if (this.#parts.document.visibilityState === 'visible') this.#hold()
    else this.#leave()
  }

  #hold(): void {
    const { locks } = this.#parts
    if (this.#leaving || !locks) return
    const leaving = new AbortController()
    this.#leaving = leaving
    locks
      .request('parley.live', { signal: leaving.signal }, () => this.#listen(leaving.signal))
      .catch((cause: unknown) => {
        // Left the queue before it was our turn: nothing was opened.
        if (!leaving.signal.aborted) throw cause
      })
  }

  #leave(): void {
    this.#leaving?.abort()
    this.#leaving = undefined
  }

  // Holds the line, and with it the lock, until told to leave.
  #listen(leave: AbortSignal): Promise<void> {
    const line = this.#parts.open()
    line.addEventListener('session', (message: MessageEvent<string>) => {
      this.#spread(JSON.parse(message.data) as SessionChange)
    })
    line.addEventListener('resync', () => {
      this.#spread(undefined)
    })
    return new Promise((resolve) => {
      leave.addEventListener('abort', () => {
        line.close()
        resolve()
      })
    })
  }

  #spread(change: SessionChange | undefined): void {
    this.#parts.channel.postMessage(change)
    this.#tell(change)
  }

  #tell(change: SessionChange | undefined): void {
    for (const listener of [...this.#listeners]) listener(change)
  }
}
