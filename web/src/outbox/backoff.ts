/** Waits; tests pass their own. */
export type Wait = (ms: number) => Promise<void>

const first = 500
const longest = 30_000

/**
 * How long to wait before the next try, in ms: doubling from half a second to
 * half a minute, a random half of it taken off so that browsers do not return
 * all at once. `tries` counts the failures so far, from 1.
 */
export function backoff(tries: number, random: () => number): number {
  const full = Math.min(longest, first * 2 ** (tries - 1))
  return full * (1 - random() / 2)
}
