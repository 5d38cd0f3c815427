import { describe, expect, test } from 'vitest'
import type { Notice } from './state'
import { pace, stall, stillness, vigil } from './vigil'

/** Watches for `ms` while slices stop and sounds stop at these times; answers when each notice came and went. */
async function watch(
  ms: number,
  keptAgo: (at: number) => number | undefined,
  still: (at: number) => boolean,
) {
  let at = 0
  const shown = new Set<Notice>()
  const told: [number, Notice, boolean][] = []
  await vigil(
    { keptAgo: () => keptAgo(at), isStill: () => still(at) },
    { now: () => at, wait: (pause) => Promise.resolve(void (at += pause)) },
    () => at > ms,
    (input) => {
      if (input.type !== 'notice' || shown.has(input.notice) === input.on) return
      if (input.on) shown.add(input.notice)
      else shown.delete(input.notice)
      told.push([at, input.notice, input.on])
    },
  )
  return told
}

const never = () => false
const always = () => true
const inTime = () => 1_000

describe('a vigil', () => {
  test('has nothing to tell while slices come and a room is heard', async () => {
    expect(await watch(60_000, inTime, never)).toEqual([])
  })

  test('tells within two seconds that no slice came when it was due, and that they come again', async () => {
    const due = 1_000
    const told = await watch(20_000, (at) => (at < 10_000 ? at : 0), never)
    expect(told.map(([, notice, on]) => [notice, on])).toEqual([
      ['recording_stalled', true],
      ['recording_stalled', false],
    ])
    expect(told[0]?.[0]).toBeLessThanOrEqual(due + 2_000)
  })

  test('bears with a slice that is late by less', async () => {
    expect(await watch(20_000, () => stall - 1, never)).toEqual([])
    expect(await watch(20_000, () => stall, never)).toHaveLength(1)
  })

  test('expects no slice when nothing is recorded', async () => {
    expect(await watch(20_000, () => undefined, never)).toEqual([])
  })

  test('tells within two seconds that the microphone gives no sound, and that it does again', async () => {
    const told = await watch(20_000, inTime, (at) => at > 5_000 && at < 15_000)
    expect(told.map(([, notice, on]) => [notice, on])).toEqual([
      ['microphone_silent', true],
      ['microphone_silent', false],
    ])
    expect((told[0]?.[0] ?? 0) - 5_000).toBeLessThanOrEqual(2_000)
  })

  test('bears with a shorter stillness', async () => {
    expect(await watch(20_000, inTime, (at) => at % stillness >= pace)).toEqual([])
    expect(await watch(20_000, inTime, always)).toHaveLength(1)
  })
})
