import { describe, expect, test } from 'vitest'
import type { RelayedEvent } from '../api/types'
import { limits, takeBatch } from './batch'

function events(count: number, filling = ''): RelayedEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    n: index + 1,
    call: 1,
    at_ms: 0,
    rec_ms: null,
    event: { type: 'x', filling },
  }))
}

function bytes(batch: RelayedEvent[]): number {
  return new TextEncoder().encode(JSON.stringify({ events: batch })).length
}

describe('a batch', () => {
  test('takes 500 events', () => {
    expect(takeBatch(events(500))).toHaveLength(500)
  })

  test('leaves the 501st to the next', () => {
    expect(takeBatch(events(501)).at(-1)?.n).toBe(500)
  })

  test('takes what fits to the byte', () => {
    const all = events(3, 'ñ'.repeat(100))
    expect(takeBatch(all, { events: 500, bytes: bytes(all) })).toHaveLength(3)
  })

  test('leaves what is one byte too long', () => {
    const all = events(3, 'ñ'.repeat(100))
    expect(takeBatch(all, { events: 500, bytes: bytes(all) - 1 })).toHaveLength(2)
  })

  test('never exceeds 1 MiB', () => {
    const batch = takeBatch(events(100, 'y'.repeat(60_000)))
    expect(bytes(batch)).toBeLessThanOrEqual(limits.bytes)
    expect(bytes([...batch, ...events(1, 'y'.repeat(60_000))])).toBeGreaterThan(limits.bytes)
  })

  test('takes one event that is too long by itself, so that the server can say so', () => {
    expect(takeBatch(events(2, 'y'.repeat(limits.bytes)))).toHaveLength(1)
  })

  test('of nothing is empty', () => {
    expect(takeBatch([])).toEqual([])
  })
})
