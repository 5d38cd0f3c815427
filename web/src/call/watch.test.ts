import { describe, expect, test } from 'vitest'
import type { Input } from './state'
import { hour, watchEnd } from './watch'

// A clock that is moved by what is waited for; the call ends at `until`.
async function watched(life: number | undefined, left = Infinity, until = Infinity) {
  let now = 0
  const inputs: [number, Input][] = []
  await watchEnd(
    life === undefined ? undefined : 1_000_000 + life,
    left,
    {
      now: () => now,
      date: () => new Date(1_000_000 + now),
      wait: (ms) => {
        now += ms
        return Promise.resolve()
      },
    },
    () => now < until,
    (input) => inputs.push([now, input]),
  )
  return inputs
}

describe('the provider’s end', () => {
  test('is called to mind two minutes before, until it is past', async () => {
    const inputs = await watched(hour)
    expect(inputs[0]).toEqual([hour - 120_000, { type: 'roll_over', endsAt: hour, last: false }])
    expect(inputs.findLast(([, input]) => input.type === 'roll_over')?.[1]).toMatchObject({ last: true })
    expect(inputs.at(-1)?.[1]).toEqual({ type: 'call_lost' })
    expect(inputs.at(-1)?.[0]).toBeGreaterThanOrEqual(hour + 3_000)
  })

  test('of a short call is called to mind in its last third', async () => {
    expect((await watched(60_000))[0]?.[0]).toBe(40_000)
  })

  test('is no matter once another call stands', async () => {
    expect(await watched(hour, Infinity, hour - 120_000)).toEqual([])
    expect(
      (await watched(hour, Infinity, hour - 100_000)).every(([, { type }]) => type === 'roll_over'),
    ).toBe(true)
  })

  test.each([
    ['not said', undefined, Infinity],
    ['past already, by a wrong clock', -1, Infinity],
    ['later than the session’s own', hour, hour - 1],
  ])('is no matter when it is %s', async (_, life, left) => {
    expect(await watched(life, left)).toEqual([])
  })

  test('is never believed to be later than an hour', async () => {
    expect((await watched(hour * 5))[0]?.[0]).toBe(hour - 120_000)
  })
})
