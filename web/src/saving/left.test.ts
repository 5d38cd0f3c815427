import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { lockOf } from '../call/lock'
import { Database, openDatabase } from '../device/database'
import { KeptSessions } from '../device/kept'
import { Slices } from '../recording/slices'
import { leftOf } from './left'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

let saver: { kept: KeptSessions; slices: Slices }

beforeEach(async () => {
  const database = await Database.of(() => openDatabase(new IDBFactory()))
  saver = { kept: new KeptSessions(database), slices: new Slices(database) }
  for (const [id, account] of [
    ['s2', 'a'],
    ['s1', 'a'],
    ['s3', 'b'],
  ] as const)
    await saver.kept.keep({
      id,
      account,
      title: 't',
      contentType: 'audio/webm',
      ended: null,
      relayedThrough: 0,
    })
})

const locks = (...names: string[]) => ({
  query: () => Promise.resolve({ held: names.map((name) => ({ name })), pending: [] }),
})

describe('what is left on a device', () => {
  test('is told to whom it belongs, oldest first, with its length and size', async () => {
    await saver.slices.add('s1', 0, new ArrayBuffer(7), 1_000)
    await saver.slices.add('s1', 1, new ArrayBuffer(5), 2_000)
    expect(await leftOf('a', saver, locks())).toMatchObject([
      { session: { id: 's1' }, ms: 2_000, bytes: 12 },
      { session: { id: 's2' }, ms: 0, bytes: 0 },
    ])
  })

  test('leaves out what goes on in another tab', async () => {
    expect(await leftOf('a', saver, locks(lockOf('s1')))).toMatchObject([{ session: { id: 's2' } }])
    expect(await leftOf('b', saver, locks(lockOf('s1')))).toMatchObject([{ session: { id: 's3' } }])
  })
})
