/** Keeps the screen on while people talk: a phone that sleeps takes the microphone away. */
export class Awake {
  readonly #document: Document
  readonly #lock: WakeLock | undefined
  #held: WakeLockSentinel | undefined
  #wanted = false

  /** Browsers without a wake lock, and pages without TLS, pass none. */
  constructor(document: Document, lock: WakeLock | undefined) {
    this.#document = document
    this.#lock = lock
  }

  /** Holds the screen on. The browser lets go when the page is hidden; it is asked again when it is back. */
  hold(): void {
    this.#wanted = true
    this.#document.addEventListener('visibilitychange', this.#ask)
    this.#ask()
  }

  release(): void {
    this.#wanted = false
    this.#document.removeEventListener('visibilitychange', this.#ask)
    void this.#held?.release()
    this.#held = undefined
  }

  readonly #ask = (): void => {
    if (this.#document.visibilityState === 'visible') void this.#take()
  }

  async #take(): Promise<void> {
    try {
      const held = await this.#lock?.request('screen')
      if (!this.#wanted) await held?.release()
      else this.#held = held
    } catch {
      // A battery that is low: the screen may go dark, and the talk goes on.
    }
  }
}
