import type { Wait } from '../outbox/backoff'
import type { Input } from './state'

/** The provider's longest call, in ms: a browser whose clock is wrong must not wait for longer. */
export const hour = 3_600_000
/** How long before the provider's end a call is rolled over, in ms; of a short one, the last third. */
const lead = 120_000
/** How often that is called to mind, in ms. */
const pace = 2_000
/** How long a call may outlive its end before it counts as lost, in ms: some providers say nothing. */
const grace = 3_000

/** Clocks. */
export type Clocks = { now: () => number; date: () => Date; wait: Wait }

/**
 * Watches for the provider's end of a call (`endsAt`, ms since 1970) as long
 * as the call `isCurrent`. Nothing to do when the provider does not say, or
 * the session has less time `left` (ms) anyway.
 */
export async function watchEnd(
  endsAt: number | undefined,
  left: number,
  { now, date, wait }: Clocks,
  isCurrent: () => boolean,
  onInput: (input: Input) => void,
): Promise<void> {
  const life = Math.min(hour, (endsAt ?? Infinity) - date().getTime())
  if (endsAt === undefined || life <= 0 || left < life) return
  const end = now() + life
  const early = Math.min(lead, life / 3)
  await wait(life - early)
  while (isCurrent() && now() < end + grace) {
    // There must be time for the switch itself.
    onInput({ type: 'roll_over', endsAt: end, last: end - now() < early / 4 })
    await wait(pace)
  }
  if (isCurrent()) onInput({ type: 'call_lost' })
}
