import { IDBFactory } from 'fake-indexeddb'
import { describe, expect, test, vi } from 'vitest'
import { lasting, openDatabase } from './database'

describe('a lasting database', () => {
  test('is opened again when the browser has closed it', async () => {
    const factory = new IDBFactory()
    const opened: IDBDatabase[] = []
    const database = await lasting(async () => {
      const next = await openDatabase(factory)
      opened.push(next)
      return next
    })
    opened[0]?.close()
    expect(() => database.transaction('slices')).toThrow()
    await vi.waitFor(() => {
      expect(database.transaction('slices').mode).toBe('readonly')
    })
    expect(opened).toHaveLength(2)
  })

  test('that cannot be opened again is tried at each question until it can', async () => {
    const factory = new IDBFactory()
    const first = await openDatabase(factory)
    let tries = 0
    const database = await lasting(() => {
      if (tries++ === 0) return Promise.resolve(first)
      return tries === 2 ? Promise.reject(new DOMException('', 'UnknownError')) : openDatabase(factory)
    })
    first.close()
    await vi.waitFor(() => {
      expect(database.transaction('slices').mode).toBe('readonly')
    })
    expect(tries).toBe(3)
  })
})
