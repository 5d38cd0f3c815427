import { IDBFactory } from 'fake-indexeddb'
import { beforeEach, describe, expect, test } from 'vitest'
import { Database, openDatabase } from './database'

describe('a database that the browser has closed', () => {
  let opened: IDBDatabase[]
  let full: boolean
  let database: Database

  beforeEach(async () => {
    const factory = new IDBFactory()
    opened = []
    full = false
    database = await Database.of(async () => {
      if (full) throw new DOMException('', 'UnknownError')
      const next = await openDatabase(factory)
      opened.push(next)
      return next
    })
    await database.write(['sessions'], (writes) => writes.objectStore('sessions').put({ id: 's' }))
    opened[0]?.close()
  })

  const count = () => database.read('sessions', (sessions) => sessions.count())

  test('is opened again at the next question, and has what it had', async () => {
    expect(await count()).toBe(1)
    expect(opened).toHaveLength(2)
  })

  test('takes the next write', async () => {
    await database.write(['sessions'], (writes) => writes.objectStore('sessions').put({ id: 't' }))
    expect(await count()).toBe(2)
  })

  test('that cannot be opened again is tried at each question until it can', async () => {
    full = true
    await expect(count()).rejects.toThrow()
    full = false
    expect(await count()).toBe(1)
  })
})
