import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Database, openDatabase } from '../device/database'
import { Recorder } from './recorder'
import { Slices } from './slices'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

/** A browser's recorder that gives its slices when the test says so. */
class PlayedRecorder {
  static last: PlayedRecorder
  state: 'inactive' | 'recording' = 'inactive'
  ondataavailable: (event: { data: Blob }) => void = () => undefined
  onerror: (event: { error?: unknown }) => void = () => undefined
  onstop: () => void = () => undefined

  constructor() {
    PlayedRecorder.last = this
  }

  start(): void {
    this.state = 'recording'
  }

  /** The last slice and the end are told a moment after the state has changed. */
  stop(): void {
    this.state = 'inactive'
    setTimeout(() => {
      this.give(1)
      this.onstop()
    })
  }

  give(size: number): void {
    this.ondataavailable({ data: new Blob([new Uint8Array(size)]) })
  }
}

vi.stubGlobal('MediaRecorder', PlayedRecorder)

let database: Database
let slices: Slices
let now: number
let failures: unknown[]

beforeEach(async () => {
  database = await Database.of(() => openDatabase(new IDBFactory()))
  slices = new Slices(database)
  now = 100
  failures = []
})

function begin(most = 1_000, kept: Pick<Slices, 'add'> = slices): [Recorder, PlayedRecorder] {
  const recorder = new Recorder({} as MediaStream, 'audio/webm', {
    session: 's',
    slices: kept as Slices,
    now: () => now,
    most,
    onFailure: (cause) => failures.push(cause),
  })
  recorder.start()
  return [recorder, PlayedRecorder.last]
}

/** How many bytes are on disk. */
async function kept(): Promise<number> {
  return (await slices.recording('s', 'audio/webm'))?.file.size ?? 0
}

describe('a recorder', () => {
  test('counts as kept what is on disk, and nothing before', async () => {
    const writes: (() => void)[] = []
    const [recorder, played] = begin(1_000, { add: () => new Promise((done) => writes.push(done)) })
    now = 1_100
    played.give(10)
    await vi.waitFor(() => {
      expect(writes).toHaveLength(1)
    }, 30_000)
    now = 1_300
    expect(recorder.keptMs).toBe(0)
    expect(recorder.keptAgo).toBe(1_200)
    writes[0]?.()
    await vi.waitFor(() => {
      expect(recorder.keptMs).toBe(1_000)
    }, 30_000)
    expect(recorder.keptAgo).toBe(0)
  })

  test('keeps the last slice when it is stopped', async () => {
    const [recorder, played] = begin()
    played.give(10)
    await recorder.stop()
    expect(await kept()).toBe(11)
    expect(failures).toEqual([])
    expect(recorder.recording).toBe(false)
  })

  test('that the browser gives up keeps the last slice, and says why', async () => {
    const [recorder, played] = begin()
    played.give(10)
    const error = new DOMException('', 'UnknownError')
    played.onerror({ error })
    await recorder.stop()
    expect(await kept()).toBe(11)
    expect(failures).toEqual([error])
  })

  test('whose sound has ended says so', async () => {
    const [recorder, played] = begin()
    played.stop()
    await vi.waitFor(() => {
      expect(failures).toHaveLength(1)
    }, 30_000)
    expect(failures).toMatchObject([{ name: 'TrackEnded' }])
    expect(recorder.recording).toBe(false)
    await recorder.stop()
    expect(await kept()).toBe(1)
  })

  test.each(['DataError', 'QuotaExceededError'])(
    'ends at the first slice that is refused with %s: what was kept stays whole',
    async (name) => {
      const full = new DOMException('', name)
      const add: Slices['add'] = (session, slice) =>
        slice.n === 1 ? Promise.reject(full) : slices.add(session, slice)
      const [recorder, played] = begin(1_000, { add })
      for (const size of [10, 20, 30]) played.give(size)
      await vi.waitFor(() => {
        expect(failures).toEqual([full])
      }, 30_000)
      await recorder.stop()
      expect(await kept()).toBe(10)
    },
  )

  test('is as long as the server takes, and no longer', async () => {
    const [fits, first] = begin(31)
    for (const size of [10, 20]) first.give(size)
    await fits.stop()
    expect(failures).toEqual([])
    expect(await kept()).toBe(31)

    database = await Database.of(() => openDatabase(new IDBFactory()))
    slices = new Slices(database)
    const [ends, second] = begin(30)
    for (const size of [10, 20]) second.give(size)
    expect(ends.recording).toBe(true)
    second.give(1)
    expect(failures).toMatchObject([{ name: 'TooLong' }])
    await ends.stop()
    expect(await kept()).toBe(30)
  })
})
