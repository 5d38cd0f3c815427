import { describe, expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { Retry, type Try } from './retry'

const offline = new Problem('offline', 0, '')
const unready = new Problem('unavailable', 503, '')

/** A retry whose waits end when the test says so; what it tells is noted. */
function given() {
  const waits: { ms: number; pass: () => void }[] = []
  const told: (string | undefined)[] = []
  const retry = new Retry({
    wait: (ms) => new Promise((pass) => waits.push({ ms, pass })),
    random: () => 0,
  })
  retry.watch((problem) => told.push(problem?.code))
  return { retry, waits, told, pauses: () => waits.map(({ ms }) => ms) }
}

/** Something that fails with these, one after the other, and then succeeds. */
function failing(...causes: unknown[]) {
  let tries = 0
  const ask = () => {
    const cause = causes[tries++]
    return cause === undefined ? Promise.resolve('done') : Promise.reject(cause as Error)
  }
  return { ask, tries: () => tries }
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('a retry', () => {
  test('tries until it is done, later and later, and tells meanwhile why', async () => {
    const { retry, waits, told, pauses } = given()
    const { ask } = failing(...Array<Problem>(20).fill(offline))
    let answer
    void retry.until(ask).then((done) => (answer = done))
    for (let n = 0; n < 20; n++) {
      await settled()
      expect(answer).toBeUndefined()
      waits[n]?.pass()
    }
    await settled()
    expect(answer).toBe('done')
    expect(pauses().slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(told).toEqual([undefined, 'offline', undefined])
  })

  test('ends at once with what no waiting heals', async () => {
    const { retry, waits, told } = given()
    const refusal = new Problem('too_large', 413, '')
    await expect(retry.until(failing(refusal).ask)).rejects.toBe(refusal)
    expect(waits).toEqual([])
    expect(told).toEqual([undefined])
  })

  test('waits as long as it was told to', async () => {
    const { retry, pauses } = given()
    void retry.until(failing(new Problem('rate_limited', 429, '', 90_000)).ask)
    await settled()
    expect(pauses()).toEqual([90_000])
  })

  test('tries at once when it is told to, all of those that wait', async () => {
    const { retry } = given()
    const tasks = [failing(offline), failing(unready)]
    const done = Promise.all(tasks.map(({ ask }) => retry.until(ask)))
    await settled()
    retry.now()
    expect(await done).toEqual(['done', 'done'])
  })

  test('lets nobody wait for an answer when another one has had it', async () => {
    const { retry, told } = given()
    const [one, other, third] = [failing(offline), failing(offline), failing(unready)]
    const alone = retry.until(one.ask)
    void retry.until(third.ask)
    await settled()
    void retry.until(failing().ask)
    expect(await alone).toBe('done')
    await settled()
    expect([one.tries(), third.tries()]).toEqual([2, 1])
    expect(told.at(-1)).toBe('unavailable')
    void retry.until(other.ask)
    await settled()
    expect(told.at(-1)).toBe('unavailable')
  })

  test('counts the failures since something was done for good, and says that it goes on', async () => {
    const { retry, waits, told, pauses } = given()
    const seen: number[] = []
    const steps = [
      (one: Try) => {
        one.moves()
      },
      () => undefined,
      (one: Try) => {
        one.gains()
      },
      () => undefined,
    ]
    void retry.until((one) => {
      seen.push(one.failures)
      steps[seen.length - 1]?.(one)
      return Promise.reject(offline)
    })
    for (let n = 0; n < 3; n++) {
      await settled()
      waits[n]?.pass()
    }
    await settled()
    expect(seen).toEqual([0, 1, 2, 1])
    expect(pauses()).toEqual([500, 1_000, 500, 1_000])
    expect(told.filter((code) => code === undefined)).toHaveLength(2)
  })

  test('that is stopped gives each its last failure, and tries nothing again', async () => {
    const { retry } = given()
    const task = failing(offline, offline)
    const ended = expect(retry.until(task.ask)).rejects.toBe(offline)
    await settled()
    retry.stop()
    await ended
    await expect(retry.until(failing(unready, unready).ask)).rejects.toBe(unready)
    expect(task.tries()).toBe(1)
  })
})
