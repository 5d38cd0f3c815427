import { describe, expect, test } from 'vitest'
import { Problem } from '../api/problem'
import { boundsOf, levelsFrom, levelsOf } from './levels'

function bytes(...values: number[]): ArrayBuffer {
  return Uint8Array.from([...new TextEncoder().encode('PLV1'), ...values]).buffer
}

const made = bytes(2, 20, 0, 0, 1, 9, 2, 8)

describe('levels', () => {
  test('are read as one row for each speaker', () => {
    expect(levelsFrom(made)).toEqual({
      spanMs: 50,
      learner: Uint8Array.of(1, 2),
      tutor: Uint8Array.of(9, 8),
    })
  })

  test.each([
    ['of one channel', bytes(1, 20, 0, 0, 1, 2)],
    ['of an unknown form', Uint8Array.of(1, 2, 3).buffer],
    ['without a rate', bytes(2, 0, 0, 0)],
  ])('%s are none', (_, given) => {
    expect(levelsFrom(given)).toBeUndefined()
  })
})

describe('the bounds of a channel', () => {
  const spans = (...parts: [number, number][]) =>
    Uint8Array.from(parts.flatMap(([many, level]) => Array<number>(many).fill(level)))
  const words: [number, number] = [60, 190]

  test.each<[string, Uint8Array, number, number]>([
    ['without a sound', spans([400, 0]), 75, 55],
    ['of no length', spans(), 75, 55],
    ['of a still room', spans([50, 20], words, [50, 20]), 75, 55],
    ['of a room whose noise reaches them', spans([50, 43], words, [50, 43]), 75, 63],
    ['of a noisy room', spans([50, 90], words, [50, 90]), 122, 110],
    [
      'of a noisy room that is muted for most of the time',
      spans([800, 0], [50, 90], words, [50, 90]),
      122,
      110,
    ],
    ['with words out of nothing', spans([100, 0], words, [100, 0], words, [100, 0]), 75, 55],
  ])('%s', (_, values, heard, quiet) => {
    expect(boundsOf(values, 50)).toEqual({ heard, quiet })
  })
})

describe('waiting for the levels', () => {
  const over = new AbortController()

  // A server that answers one after the other; what it is asked between is how long to wait.
  async function asked(answers: (ArrayBuffer | Error)[], signal = over.signal) {
    const waits: number[] = []
    const api = {
      bytes: () => {
        const answer = answers.shift()
        return answer instanceof ArrayBuffer ? Promise.resolve(answer) : Promise.reject(answer ?? new Error())
      },
    }
    const live = {
      changed: (_: string, atMost: number) => {
        waits.push(atMost)
        return Promise.resolve()
      },
    }
    return { levels: await levelsOf('01A', { api, live }, signal), waits }
  }

  const offline = new Problem('offline', 0, '')

  test('asks again at each change, and later and later by itself', async () => {
    const { levels, waits } = await asked([bytes().slice(0, 0), offline, made])
    expect(levels?.spanMs).toBe(50)
    expect(waits).toEqual([2_000, 4_000])
  })

  test('ends when the session is gone', async () => {
    const { levels, waits } = await asked([new Problem('not_found', 404, '')])
    expect([levels, waits]).toEqual([undefined, []])
  })

  test('ends with the page that asked', async () => {
    expect((await asked([], AbortSignal.abort())).levels).toBeUndefined()
  })

  test('tells of what is no refusal', async () => {
    await expect(asked([new TypeError('ours')])).rejects.toThrow('ours')
  })
})
