import { Problem } from '../api/problem'
import { backoff, type Wait } from './backoff'

/** One try, and what it can tell before it is over. */
export type Try = {
  /** How many failed since something was done for good. */
  failures: number
  /** It goes on: nothing is waited for. */
  moves: () => void
  /** Something was done for good: the next failure is a first one. */
  gains: () => void
}

/** One of those that try again and again. */
type Trier = { failures: number; problem?: Problem; wake?: () => void }

/**
 * Tries again after each failure that passes, later and later, for as long as
 * it takes: what is tried is kept on this device meanwhile. All that belongs to
 * one session shares one, so that there is one answer to what is waited for.
 */
export class Retry {
  readonly #wait: Wait
  readonly #random: () => number
  readonly #triers = new Set<Trier>()
  #onWaiting: (problem: Problem | undefined) => void = () => undefined
  #told: Problem | undefined
  #over = false

  constructor({ wait, random }: { wait: Wait; random: () => number }) {
    this.#wait = wait
    this.#random = random
  }

  /** Tells from now on why something has to be tried again; undefined when nothing has to. */
  watch(onWaiting: (problem: Problem | undefined) => void): void {
    this.#onWaiting = onWaiting
    onWaiting(this.#told)
  }

  /** What comes of it in the end; rejects with what no waiting heals. */
  async until<T>(ask: (one: Try) => Promise<T>): Promise<T> {
    const trier: Trier = { failures: 0 }
    this.#triers.add(trier)
    try {
      return await this.#persist(trier, ask)
    } finally {
      this.#triers.delete(trier)
      this.#tell()
    }
  }

  /** Whoever waits tries now. */
  now(): void {
    for (const { wake } of this.#triers) wake?.()
  }

  /** Nothing is tried again any more: each gets its last failure. */
  stop(): void {
    this.#over = true
    this.now()
  }

  async #persist<T>(trier: Trier, ask: (one: Try) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const answer = await ask({
          failures: trier.failures,
          moves: () => {
            this.#healed(trier)
          },
          gains: () => {
            trier.failures = 0
            this.#healed(trier)
          },
        })
        this.#healed(trier)
        return answer
      } catch (cause) {
        if (!(cause instanceof Problem && cause.passing)) throw cause
        trier.failures++
        trier.problem = cause
        this.#tell()
        if (!this.#over) await this.#sleep(trier, cause)
        if (this.#over) throw cause
      }
    }
  }

  async #sleep(trier: Trier, { againInMs }: Problem): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      trier.wake = resolve
    })
    await Promise.race([this.#wait(Math.max(backoff(trier.failures, this.#random), againInMs ?? 0)), woken])
    delete trier.wake
  }

  // Whoever had no answer need not wait any longer when another one has.
  #healed(trier: Trier): void {
    delete trier.problem
    for (const { problem, wake } of this.#triers) if (problem?.status === 0) wake?.()
    this.#tell()
  }

  #tell(): void {
    const problem = [...this.#triers].find(({ problem }) => problem)?.problem
    if (problem === this.#told) return
    this.#told = problem
    this.#onWaiting(problem)
  }
}
