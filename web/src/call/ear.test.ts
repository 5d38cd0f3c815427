import { expect, test } from 'vitest'
import { Ear } from './ear'
import type { ProviderEvent } from './provider'
import type { Stamp } from './relay'

const started: ProviderEvent = { type: 'output_audio_buffer.started' }

/** An ear at a voice that rises after a time, in ms; `over` closes it at another. */
async function hearing(rise: number, over = Infinity) {
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
  const ear = new Ear(relay, () => (now >= rise ? 0.3 : 0.2), pass)
  ear.relay(1, started)
  await expect.poll(() => relayed.length).toBe(1)
  await closed
  return { at: relayed[0], after: now }
}

test.each([
  ['at once', 0, { at: 0, after: 0 }],
  ['when its sound was held back', 990, { at: 1_000, after: 1_000 }],
  ['when it was, at the last moment', 2_000, { at: 2_000, after: 2_000 }],
  ['as told, when nothing is heard by then', 2_001, { at: 0, after: 2_000 }],
])('the tutor begins %s', async (_, rise, outcome) => {
  expect(await hearing(rise)).toEqual(outcome)
})

test('nobody waits for a voice when all is over', async () => {
  expect(await hearing(500, 100)).toEqual({ at: 0, after: 100 })
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
