import { describe, expect, test } from 'vitest'
import type { Notice } from './state'
import { pace, stall, stillness, vigil } from './vigil'

const never = () => false

/** Watches for `ms` while slices, the microphone and all sound stop at these times; answers when each notice came and went. */
async function watch(
  ms: number,
  keptAgo: (at: number) => number | undefined,
  still: (at: number) => boolean,
  stopped: (at: number) => boolean = never,
) {
  let at = 0
  const shown = new Set<Notice>()
  const told: [number, Notice, boolean][] = []
  await vigil(
    { keptAgo: () => keptAgo(at), isStill: () => still(at), isStopped: () => stopped(at) },
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

  test('takes a headset that gives nothing between words for dead once, and then for what it is', async () => {
    // Words of a second, and three of nothing; from a minute on there is nothing at all.
    const gated = (at: number) => at % 4_000 >= 1_000 || at > 60_000
    const told = await watch(90_000, inTime, gated)
    expect(told.map(([, notice, on]) => [notice, on])).toEqual([
      ['microphone_silent', true],
      ['microphone_silent', false],
      ['microphone_silent', true],
    ])
    expect((told[2]?.[0] ?? 0) - 60_000).toBeLessThanOrEqual(10_000)
  })

  test('never bears with more than ten seconds', async () => {
    const told = await watch(90_000, inTime, (at) => (at > 1_000 && at < 30_000) || at > 40_000)
    expect(told).toHaveLength(3)
    expect((told[2]?.[0] ?? 0) - 40_000).toBeLessThanOrEqual(10_500)
  })

  test('tells within two seconds that the browser has stopped the sound, and takes it for no silence', async () => {
    const stopped = (at: number) => at > 5_000 && at < 15_000
    const told = await watch(20_000, inTime, stopped, stopped)
    expect(told.map(([, notice, on]) => [notice, on])).toEqual([
      ['sound_stopped', true],
      ['sound_stopped', false],
    ])
    expect((told[0]?.[0] ?? 0) - 5_000).toBeLessThanOrEqual(2_000)
  })

  test('bears with a shorter stillness', async () => {
    expect(await watch(20_000, inTime, (at) => at % stillness >= pace)).toEqual([])
    expect(await watch(20_000, inTime, always)).toHaveLength(1)
  })
})
