import { describe, expect, test } from 'vitest'
import { Problem } from '../api/problem'
import type { EndReason, Progress, Session } from '../api/types'
import type { KeptSession } from '../device/kept'
import type { Wait } from '../outbox/backoff'
import type { Outbox } from '../outbox/outbox'
import { Retry } from '../outbox/retry'
import { NotSaved, save, type SaveParts, type Stage } from './save'

const kept: KeptSession = {
  id: 's',
  account: 'a',
  title: 't',
  contentType: 'audio/webm',
  ended: 'time_limit',
  relayedThrough: 0,
}
const offline = new Problem('offline', 0, '')
const tooLarge = new Problem('too_large', 413, '')
const nothing = Promise.resolve()

/** Surroundings in which all goes well, each step noted; `wrong` replaces some of them. */
function given(wrong: Partial<SaveParts> = {}, wait: Wait = () => nothing) {
  const steps: string[] = []
  const asked: object[] = []
  const progress = (status: Progress['status'], position: string) => Promise.resolve({ status, position })
  const parts: SaveParts = {
    end: (_, end) => {
      steps.push('end')
      asked.push(end)
      return progress('ended', '5')
    },
    recording: () => Promise.resolve({ file: new Blob(['x']), durationMs: 1000 }),
    upload: () => {
      steps.push('upload')
      return Promise.resolve('u1')
    },
    completeUpload: () => {
      steps.push('complete')
      return progress('finalizing', '7')
    },
    session: (_, position) => {
      steps.push(`session ${position}`)
      return Promise.resolve({ status: 'saved' } as Session)
    },
    forget: () => {
      steps.push('forget')
      return Promise.resolve()
    },
    changed: () => Promise.resolve(),
    ...wrong,
  }
  const retry = new Retry({ wait, random: () => 0 })
  const outbox = {
    retry,
    lastN: 4,
    flush: () => {
      steps.push('flush')
      return Promise.resolve()
    },
  } as Outbox
  const stages: string[] = []
  const waits: (string | undefined)[] = []
  const news = {
    onStage: (stage: Stage) => stages.push(stage.name),
    onWaiting: (problem: Problem | undefined) => waits.push(problem?.code),
  }
  const run = (session = kept, settled = nothing) => save(session, outbox, settled, parts, news)
  return { run, steps, stages, asked, waits, retry }
}

describe('saving', () => {
  test('goes through every stage and removes the local copy last', async () => {
    const { run, steps, stages, asked } = given()
    await run()
    expect(steps.toSorted()).toEqual(['complete', 'end', 'flush', 'forget', 'session 7', 'upload'])
    expect(steps.slice(-3)).toEqual(['complete', 'session 7', 'forget'])
    expect(stages).toEqual(['recorded', 'checking'])
    expect(asked).toEqual([{ reason: 'time_limit', recording_expected: true, last_n: 4 }])
  })

  test('uploads while the last texts are still awaited', async () => {
    const { run, steps } = given()
    let settle: () => void = () => undefined
    const settled = new Promise<void>((resolve) => {
      settle = resolve
    })
    const saving = run(kept, settled)
    await expect.poll(() => steps).toEqual(['upload'])
    settle()
    await saving
    expect(steps).toContain('end')
  })

  test('flushes the outbox before it says what the last number is', async () => {
    const { run, steps } = given()
    await run()
    expect(steps.indexOf('flush')).toBeLessThan(steps.indexOf('end'))
  })

  test('without a recording needs no upload', async () => {
    const { run, steps, asked } = given()
    await run({ ...kept, contentType: null })
    expect(steps).toEqual(['flush', 'end', 'session 5', 'forget'])
    expect(asked).toEqual([{ reason: 'time_limit', recording_expected: false, last_n: 4 }])
  })

  test('of a session that died while going on calls it the learner’s end', async () => {
    const { run, asked } = given()
    await run({ ...kept, ended: null })
    expect(asked).toEqual([expect.objectContaining({ reason: 'learner' satisfies EndReason })])
  })

  test('waits until the server has verified, however often it takes', async () => {
    const statuses = ['finalizing', 'finalizing', 'saved'] as const
    let asked = 0
    const { run, steps } = given({
      session: () => Promise.resolve({ status: statuses[asked++] } as Session),
    })
    await run()
    expect(asked).toBe(3)
    expect(steps).toContain('forget')
  })

  test('hears of a change that comes while it asks', async () => {
    const statuses = ['finalizing', 'saved'] as const
    let asked = 0
    let change: () => void = () => undefined
    const { run, steps } = given({
      changed: () => new Promise((resolve) => (change = resolve)),
      session: () => {
        change()
        return Promise.resolve({ status: statuses[asked++] } as Session)
      },
    })
    await run()
    expect(steps).toContain('forget')
  })

  test('is done when the copy here cannot be removed: the server has verified', async () => {
    const { run } = given({ forget: () => Promise.reject(new DOMException('', 'DataError')) })
    await expect(run()).resolves.toBeUndefined()
  })

  test('sends nothing of which the server has the audio already', async () => {
    const { run, steps } = given({ upload: () => Promise.resolve(undefined) })
    await run()
    expect(steps).toEqual(['flush', 'end', 'session 5', 'forget'])
  })

  test('keeps the local copy when the server cannot verify', async () => {
    const { run, steps } = given({
      session: () => Promise.resolve({ status: 'needs_attention', reason: 'too short' } as Session),
    })
    await expect(run()).rejects.toEqual(new NotSaved('too short'))
    expect(steps).not.toContain('forget')
  })

  test('keeps the local copy when the upload fails, yet ends the session', async () => {
    const { run, steps } = given({ upload: () => Promise.reject(tooLarge) })
    await expect(run()).rejects.toBe(tooLarge)
    expect(steps).toEqual(['flush', 'end'])
  })

  test('goes on when somebody else has ended the session', async () => {
    const { run, steps } = given({ end: () => Promise.reject(new Problem('ended', 409, '')) })
    await run()
    expect(steps).toContain('forget')
  })

  test('asks for as long as there is no answer, and tells meanwhile', async () => {
    let tries = 0
    const { run, steps, waits } = given({
      completeUpload: () =>
        ++tries > 20 ? Promise.resolve({ status: 'finalizing', position: '7' }) : Promise.reject(offline),
    })
    await run()
    expect(steps).toContain('forget')
    expect(waits).toEqual([undefined, 'offline', undefined])
  })

  test('lets what has waited since the talk try at once', async () => {
    const { run, retry } = given({}, () => new Promise(() => undefined))
    let tries = 0
    const sent = retry.until(() => (++tries === 1 ? Promise.reject(offline) : nothing))
    await expect.poll(() => tries).toBe(1)
    await run()
    await sent
    expect(tries).toBe(2)
  })
})
