/** How far back the speed is looked at, in ms. */
const memory = 5_000

/** How fast something goes: what of the last seconds tells. */
export class Pace {
  #samples: { at: number; sent: number }[] = []
  #movedAt: number | undefined

  /** So many bytes had left at this time, in ms. Fewer than before: it began anew. */
  note(at: number, sent: number): void {
    const last = this.#samples.at(-1)?.sent
    if (sent !== last) this.#movedAt = at
    if (sent < (last ?? 0)) this.#samples = []
    this.#samples = this.#samples.filter((sample) => at - sample.at <= memory)
    this.#samples.push({ at, sent })
  }

  /** Bytes a second; undefined while too little is known. */
  get speed(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!first || !last || last.at === first.at) return undefined
    return ((last.sent - first.sent) * 1000) / (last.at - first.at)
  }

  /** For how long nothing has left, in ms. */
  still(at: number): number {
    return at - (this.#movedAt ?? at)
  }

  /** How long `size` bytes will still take, in ms; undefined while it cannot be said. */
  left(size: number): number | undefined {
    const { speed } = this
    return speed ? ((size - (this.#samples.at(-1)?.sent ?? 0)) * 1000) / speed : undefined
  }
}
