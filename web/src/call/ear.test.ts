import { describe, expect, test } from 'vitest'
import { Ear } from './ear'
import type { ProviderEvent } from './provider'
import type { Stamp } from './relay'

const begins = 'output_audio_buffer.started'
const ends = ['output_audio_buffer.stopped', 'output_audio_buffer.cleared']

/** An ear at a voice that rises, or falls, after a time, in ms; `over` closes it at another. */
async function hearing(type: string, change: number, over = Infinity) {
  let now = 0
  let closed = Promise.resolve()
  const relayed: number[] = []
  const relay = {
    stamp: () => ({ at_ms: now, rec_ms: now }),
    relay: (_: number, __: ProviderEvent, stamp?: Stamp) => void relayed.push(stamp?.at_ms ?? now),
  }
  const pass = (ms: number) => {
    now += ms
    if (now >= over) closed = ear.close()
    return Promise.resolve()
  }
  const ear = new Ear(relay, () => (now >= change === (type === begins) ? 0.25 : 0.249), pass)
  ear.relay(1, { type })
  await expect.poll(() => relayed.length).toBe(1)
  await closed
  return { at: relayed[0], after: now }
}

const moments: [string, number, object][] = [
  ['at once', 0, { at: 0, after: 0 }],
  ['when its sound was held back', 990, { at: 1_000, after: 1_000 }],
  ['when it was, at the last moment', 2_000, { at: 2_000, after: 2_000 }],
  ['as told, when nothing changes by then', 2_001, { at: 0, after: 2_000 }],
]

test.each(moments)('the tutor begins %s', async (_, rise, outcome) => {
  expect(await hearing(begins, rise)).toEqual(outcome)
})

describe.each(ends)('the tutor ends by %s', (type) => {
  test.each(moments)('%s', async (_, fall, outcome) => {
    expect(await hearing(type, fall)).toEqual(outcome)
  })
})

test('nobody waits for a voice when all is over', async () => {
  expect(await hearing(begins, 500, 100)).toEqual({ at: 0, after: 100 })
})

test('everything else is relayed as it comes', () => {
  const relayed: string[] = []
  const relay = {
    stamp: () => ({ at_ms: 0, rec_ms: 0 }),
    relay: (_: number, { type }: ProviderEvent) => void relayed.push(type),
  }
  new Ear(
    relay,
    () => 0,
    () => Promise.resolve(),
  ).relay(1, { type: 'response.done' })
  expect(relayed).toEqual(['response.done'])
})
