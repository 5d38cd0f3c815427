import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import { Database, openDatabase } from '../device/database'
import { Saver } from './saver'
import { Store } from './store'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

const session = { id: 's', account: 'a', title: 't', contentType: null, ended: null, relayedThrough: 7 }

let store: Store

beforeEach(async () => {
  store = new Store(await Database.of(() => openDatabase(new IDBFactory())))
  await store.kept.keep(session)
})

/** Discards what is kept while the server answers so; gives what was kept after it, and what it was told. */
async function discarded(answer: () => Promise<unknown>) {
  const told: unknown[] = []
  const end = (...what: unknown[]) => {
    told.push(what)
    return answer()
  }
  const saver = new Saver({
    api: { end } as unknown as Client,
    live: { changed: () => Promise.resolve() },
    store,
    storage: undefined,
    wait: () => Promise.resolve(),
    random: () => 0,
  })
  const trouble: unknown = await saver.discard(session).catch((cause: unknown) => cause)
  return { trouble, told, kept: await store.kept.of('a') }
}

describe('discarding', () => {
  test('tells the server that nothing more comes, and then forgets', async () => {
    const { told, kept } = await discarded(() => Promise.resolve({}))
    expect(told).toEqual([['s', { reason: 'learner', recording_expected: false, last_n: 7 }]])
    expect(kept).toEqual([])
  })

  test.each([
    ['ended', 409],
    ['conflict', 409],
    ['not_found', 404],
  ] as const)('of what the server says is %s forgets it', async (code, status) => {
    const { trouble, kept } = await discarded(() => Promise.reject(new Problem(code, status, '')))
    expect([trouble, kept]).toEqual([undefined, []])
  })

  test.each([
    ['offline', 0],
    ['rate_limited', 429],
    ['unavailable', 503],
    ['unauthenticated', 401],
  ] as const)('that the server was not told of (%s) says so and keeps all', async (code, status) => {
    const problem = new Problem(code, status, '')
    const { trouble, kept } = await discarded(() => Promise.reject(problem))
    expect(trouble).toBe(problem)
    expect(kept).toEqual([session])
  })
})
