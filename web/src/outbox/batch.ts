import type { RelayedEvent } from '../api/types'

/** What the server takes in one batch. */
export const limits = { events: 500, bytes: 1024 * 1024 } as const

const frame = '{"events":[]}'.length
const encoder = new TextEncoder()

/**
 * The longest beginning of the queue that fits one batch. At least one event,
 * however long: the server then says what is wrong with it.
 */
export function takeBatch(
  queue: readonly RelayedEvent[],
  within: { events: number; bytes: number } = limits,
): RelayedEvent[] {
  let bytes = frame
  let count = 0
  for (const event of queue) {
    bytes += encoder.encode(JSON.stringify(event)).length + (count > 0 ? 1 : 0)
    if (count > 0 && (bytes > within.bytes || count >= within.events)) break
    count++
  }
  return queue.slice(0, count)
}
