import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { lockOf } from '../call/lock'
import { Database, openDatabase } from '../device/database'
import { leftOf } from './left'
import { Store } from './store'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

let store: Store

beforeEach(async () => {
  const database = await Database.of(() => openDatabase(new IDBFactory()))
  store = new Store(database)
  for (const [id, account] of [
    ['s2', 'a'],
    ['s1', 'a'],
    ['s3', 'b'],
  ] as const)
    await store.kept.keep({
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
    await store.slices.add('s1', { n: 0, bytes: new ArrayBuffer(7), endedMs: 1_000, through: 7 })
    await store.slices.add('s1', { n: 1, bytes: new ArrayBuffer(5), endedMs: 2_000, through: 12 })
    expect(await leftOf('a', store, locks())).toMatchObject([
      { session: { id: 's1' }, ms: 2_000, bytes: 12 },
      { session: { id: 's2' }, ms: 0, bytes: 0 },
    ])
  })

  test('leaves out what goes on in another tab', async () => {
    expect(await leftOf('a', store, locks(lockOf('s1')))).toMatchObject([{ session: { id: 's2' } }])
    expect(await leftOf('b', store, locks(lockOf('s1')))).toMatchObject([{ session: { id: 's3' } }])
  })
})
