import { IDBCursor, IDBFactory, IDBKeyRange, IDBObjectStore } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Database, openDatabase } from '../device/database'
import { KeptSessions } from '../device/kept'
import { recordingFormat } from './recorder'
import { Slices, type Slice } from './slices'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

let database: Database
let slices: Slices

beforeEach(async () => {
  database = await Database.of(() => openDatabase(new IDBFactory()))
  slices = new Slices(database)
})

async function keep(...numbers: number[]): Promise<void> {
  for (const n of numbers) await slices.add('s', slice(n))
}

function slice(n: number): Slice {
  return { n, bytes: new Uint8Array([n]).buffer, endedMs: (n + 1) * 1000, through: n + 1 }
}

async function bytes(): Promise<number[] | undefined> {
  const recording = await slices.recording('s', 'audio/webm')
  return recording && [...new Uint8Array(await recording.file.arrayBuffer())]
}

describe('the slices of a recording', () => {
  test('give the file in order, with type and duration', async () => {
    await keep(1, 0, 2)
    expect(await bytes()).toEqual([0, 1, 2])
    expect(await slices.recording('s', 'audio/webm')).toMatchObject({
      durationMs: 3000,
      file: { type: 'audio/webm' },
    })
  })

  test('are each written once: a repeated number is refused', async () => {
    await keep(0)
    await expect(keep(0)).rejects.toMatchObject({ name: 'ConstraintError' })
    expect(await bytes()).toEqual([0])
  })

  test('end before a hole', async () => {
    await keep(0, 1, 3)
    expect(await bytes()).toEqual([0, 1])
  })

  test('are no file without the first one, which holds the header', async () => {
    await keep(1, 2)
    expect(await bytes()).toBeUndefined()
  })

  test('of another session stay apart', async () => {
    await keep(0)
    await slices.add('t', slice(0))
    expect(await bytes()).toEqual([0])
  })

  test('tell how much is kept', async () => {
    expect(await slices.extent('s')).toEqual({ ms: 0, bytes: 0 })
    await keep(0, 1)
    expect(await slices.extent('s')).toEqual({ ms: 2000, bytes: 2 })
    expect(await slices.extent('t')).toEqual({ ms: 0, bytes: 0 })
  })

  test('tell it without reading more than one of them', async () => {
    await keep(0, 1, 2)
    const all = vi.spyOn(IDBObjectStore.prototype, 'getAll')
    const read = vi.spyOn(IDBCursor.prototype, 'continue')
    await slices.extent('s')
    expect([all.mock.calls, read.mock.calls]).toEqual([[], []])
  })

  test('go when the session is forgotten, and only its own', async () => {
    await keep(0, 1)
    await slices.add('t', slice(0))
    await new KeptSessions(database).forget('s')
    expect((await slices.extent('s')).ms).toBe(0)
    expect((await slices.extent('t')).ms).toBe(1000)
  })
})

describe('the recording format', () => {
  test.each([
    ['audio/webm;codecs=opus', ['audio/webm', 'audio/mp4'], () => true],
    ['audio/mp4', ['audio/webm', 'audio/mp4'], (type: string) => type === 'audio/mp4'],
    ['audio/mp4', ['audio/mp4'], () => true],
    [undefined, ['audio/mp4'], (type: string) => type !== 'audio/mp4'],
    [undefined, ['audio/webm', 'audio/mp4'], () => false],
  ])('is %s when the server takes %j and that is the first one supported', (format, taken, supported) => {
    expect(recordingFormat(taken, supported)).toBe(format)
  })
})
