import { describe, expect, test } from 'vitest'
import { Problem } from '../api/problem'
import type { Upload, UploadPart } from '../api/types'
import { Retry } from '../outbox/retry'
import { hex, pieceSize, upload, type UploadParts, wholeMost } from './upload'

const offline = new Problem('offline', 0, '')
const there = new Problem('unknown', 412, '')
const recording = { file: new Blob(['0123456789'], { type: 'audio/webm' }), durationMs: 1234 }

function part(n: number, offset: number, size: number, more: Partial<UploadPart> = {}): UploadPart {
  return {
    n,
    offset,
    size,
    method: 'PUT',
    url: `https://store/${n}`,
    headers: { 'Content-Type': 'audio/webm' },
    done: false,
    ...more,
  }
}

type Sent = { url: string; body: string }

/** A server with these plans, one per request (the last one repeats), and a network that answers as told, once each. */
function given(plans: UploadPart[][], answers: Record<string, (Problem | undefined)[]> = {}) {
  const sent: Sent[] = []
  const asked: object[] = []
  const waits: number[] = []
  const patience: number[] = []
  const parts: UploadParts = {
    request: (_, file) => {
      asked.push(file)
      const plan: Upload = {
        upload_id: 'u1',
        parts: (plans.length > 1 ? plans.shift() : plans[0]) ?? [],
        expires_at: '',
      }
      return Promise.resolve(plan)
    },
    put: async ({ url }, body, patient, onProgress) => {
      patience.push(patient)
      const problem = answers[url]?.shift()
      if (problem) throw problem
      sent.push({ url, body: await body.text() })
      onProgress(body.size)
    },
    digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
    retry: new Retry({
      wait: (ms) => {
        waits.push(ms)
        return Promise.resolve()
      },
      random: () => 0,
    }),
  }
  return { parts, sent, asked, waits, patience }
}

const quiet = () => undefined

describe('an upload', () => {
  test('tells size, hash, type and duration, and sends the bytes', async () => {
    const { parts, sent, asked } = given([[part(1, 0, 10)]])
    expect(await upload('s', recording, parts, quiet)).toBe('u1')
    expect(sent).toEqual([{ url: 'https://store/1', body: '0123456789' }])
    expect(asked).toEqual([
      {
        size: 10,
        sha256: '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882',
        content_type: 'audio/webm',
        duration_ms: 1234,
      },
    ])
  })

  test('sends each part its own bytes and leaves out what is done', async () => {
    const { parts, sent } = given([[part(1, 0, 4, { done: true }), part(2, 4, 4), part(3, 8, 2)]])
    const shares: number[] = []
    await upload('s', recording, parts, (share) => shares.push(share))
    expect(sent.map(({ body }) => body)).toEqual(['4567', '89'])
    expect(shares).toEqual([0.8, 1])
  })

  test('tells the hash of each part only when it is too long to come whole', async () => {
    const file = new Blob([new Uint8Array(wholeMost + 1).fill(7)], { type: 'audio/webm' })
    const sum = async (bytes: Blob) => hex(await crypto.subtle.digest('SHA-256', await bytes.arrayBuffer()))
    const { parts, asked } = given([[]])
    await upload('s', { file, durationMs: 1 }, parts, quiet)
    await upload('s', { file: file.slice(0, wholeMost), durationMs: 1 }, parts, quiet)
    expect(asked).toEqual([
      expect.objectContaining({
        part_sha256: [await sum(file.slice(0, pieceSize)), await sum(file.slice(pieceSize))],
      }),
      expect.not.objectContaining({ part_sha256: expect.anything() as unknown }),
    ])
  })

  test('takes 412 as already there', async () => {
    const { parts, sent } = given([[part(1, 0, 10)]], { 'https://store/1': [there] })
    expect(await upload('s', recording, parts, quiet)).toBe('u1')
    expect(sent).toEqual([])
  })

  test('goes once through the backend when the store does not answer', async () => {
    const { parts, sent, waits } = given([[part(1, 0, 10)]], { 'https://store/1': [offline] })
    await upload('s', recording, parts, quiet)
    expect(sent.map(({ url }) => url)).toEqual(['/api/sessions/s/upload/u1/1'])
    expect(waits).toEqual([])
  })

  test('does not go to the backend twice when that was the address', async () => {
    const own = '/api/sessions/s/upload/u1/1'
    const { parts, sent, waits } = given([[part(1, 0, 10, { url: own })]], { [own]: [offline] })
    await upload('s', recording, parts, quiet)
    expect(sent).toHaveLength(1)
    expect(waits).toEqual([500])
  })

  test('asks again after a failure and goes on with what is missing', async () => {
    const backend = '/api/sessions/s/upload/u1/2'
    const { parts, sent } = given(
      [
        [part(1, 0, 4), part(2, 4, 6)],
        [part(1, 0, 4, { done: true }), part(2, 4, 6)],
      ],
      {
        'https://store/2': [offline],
        [backend]: [offline],
      },
    )
    await upload('s', recording, parts, quiet)
    expect(sent.map(({ body }) => body)).toEqual(['0123', '456789'])
  })

  test('goes on for as long as it takes, bears longer each time with what seems to stand still', async () => {
    const own = '/api/sessions/s/upload/u1/1'
    const { parts, patience } = given([[part(1, 0, 10, { url: own })]], {
      [own]: Array<Problem>(20).fill(offline),
    })
    expect(await upload('s', recording, parts, quiet)).toBe('u1')
    expect(patience.slice(0, 5)).toEqual([30_000, 60_000, 120_000, 240_000, 240_000])
  })

  test('over a line that breaks after each part waits as after a first failure', async () => {
    const [one, two, three] = [part(1, 0, 4), part(2, 4, 4), part(3, 8, 2)].map((each) => ({
      ...each,
      url: `/part/${each.n}`,
    })) as [UploadPart, UploadPart, UploadPart]
    const done = (each: UploadPart) => ({ ...each, done: true })
    const { parts, waits } = given(
      [
        [one, two, three],
        [one, two, three],
        [done(one), two, three],
        [done(one), done(two), three],
      ],
      { [one.url]: [offline], [two.url]: [offline], [three.url]: [offline] },
    )
    await upload('s', recording, parts, quiet)
    expect(waits).toEqual([500, 500, 500])
  })

  test('stops at once at a refusal that cannot heal', async () => {
    const own = '/api/sessions/s/upload/u1/1'
    const refusal = new Problem('too_large', 413, '')
    const { parts, waits } = given([[part(1, 0, 10, { url: own })]], { [own]: [refusal] })
    await expect(upload('s', recording, parts, quiet)).rejects.toBe(refusal)
    expect(waits).toEqual([])
  })
})
