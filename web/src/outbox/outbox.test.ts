import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Problem } from '../api/problem'
import type { EventReceipt, RelayedEvent } from '../api/types'
import { Database, openDatabase } from '../device/database'
import { KeptSessions } from '../device/kept'
import { backoff } from './backoff'
import { Outbox } from './outbox'
import { Retry } from './retry'
import { EventStore } from './store'

vi.stubGlobal('IDBKeyRange', IDBKeyRange)

const offline = new Problem('offline', 0, '')
const session = '01SESSION'
const kept = { id: session, account: 'a', title: 't', contentType: null, ended: null, relayedThrough: 0 }

let database: Database
let received: RelayedEvent[][]
let waits: number[]

beforeEach(async () => {
  database = await Database.of(() => openDatabase(new IDBFactory()))
  await new KeptSessions(database).keep(kept)
  received = []
  waits = []
})

type Send = (session: string, events: RelayedEvent[]) => Promise<EventReceipt>

const accept: Send = (_, events) => {
  received.push(events)
  const last = events.at(-1)?.n ?? 0
  return Promise.resolve({
    accepted: events.length,
    duplicates: 0,
    rejected: [],
    received_through: last,
    position: '1',
  })
}

function outbox(send: Send = accept): Outbox {
  return new Outbox({
    session,
    store: new EventStore(database),
    send,
    retry: new Retry({
      wait: (ms) => {
        waits.push(ms)
        return Promise.resolve()
      },
      random: () => 0,
    }),
    onStoreTrouble: (cause) => {
      throw cause as Error
    },
  })
}

function something(type: string): Omit<RelayedEvent, 'n'> {
  return { call: 1, at_ms: 5, rec_ms: null, event: { type } }
}

function numbers(): number[] {
  return received.flat().map((event) => event.n)
}

describe('an outbox', () => {
  test('numbers events from 1 and sends each once, in order', async () => {
    const box = outbox()
    for (const type of ['a', 'b', 'c']) box.append(something(type))
    await box.flush()
    expect(numbers()).toEqual([1, 2, 3])
    expect(box.lastN).toBe(3)
  })

  test('of a session without events has 0 as its last number', async () => {
    const box = outbox()
    await box.flush()
    expect(box.lastN).toBe(0)
  })

  test('sends together what arrives while a batch is under way', async () => {
    const box = outbox()
    for (let n = 0; n < 20; n++) box.append(something('x'))
    await box.flush()
    expect(received.length).toBeLessThanOrEqual(2)
  })

  test('sends the same batch again after no answer, waiting longer each time', async () => {
    let failures = 3
    const box = outbox((...batch) => (failures-- > 0 ? Promise.reject(offline) : accept(...batch)))
    box.append(something('a'))
    await box.flush()
    expect(numbers()).toEqual([1])
    expect(waits).toEqual([500, 1000, 2000])
  })

  test('stops at a refusal that waiting does not heal, and keeps the events', async () => {
    const refusal = new Problem('not_found', 404, '')
    const box = outbox(() => Promise.reject(refusal))
    box.append(something('a'))
    await expect(box.flush()).rejects.toBe(refusal)
    await vi.waitFor(async () => {
      expect(await new EventStore(database).waiting(session)).toHaveLength(1)
    }, 30_000)
  })

  test('goes on after such a refusal when asked again', async () => {
    let signedOut = true
    const box = outbox((...batch) =>
      signedOut ? Promise.reject(new Problem('unauthenticated', 401, '')) : accept(...batch),
    )
    box.append(something('a'))
    await expect(box.flush()).rejects.toBeInstanceOf(Problem)
    signedOut = false
    await box.flush()
    expect(numbers()).toEqual([1])
  })

  test('forgets what was answered and remembers how far that was', async () => {
    const box = outbox()
    box.append(something('a'))
    box.append(something('b'))
    await box.flush()
    expect(await new EventStore(database).waiting(session)).toEqual([])
    expect((await new KeptSessions(database).of('a'))[0]?.relayedThrough).toBe(2)
  })
})

describe('an outbox without a network', () => {
  /** Ten minutes of talk at two events a second while nobody answers; then the network is back. */
  test('drops nothing in ten minutes, and sends all in order when it is back', async () => {
    let elapsed = 0
    let next = 0
    const box = new Outbox({
      session,
      store: new EventStore(database),
      send: (...batch) => (elapsed < 600_000 ? Promise.reject(offline) : accept(...batch)),
      retry: new Retry({
        wait: (ms) => {
          elapsed += ms
          for (; next < elapsed / 500 && next < 1200; next++) box.append(something(`event ${next + 1}`))
          return Promise.resolve()
        },
        random: () => 0.5,
      }),
      onStoreTrouble: (cause) => {
        throw cause as Error
      },
    })
    box.append(something('the first'))
    await box.flush()
    expect(numbers()).toEqual(Array.from({ length: 1201 }, (_, n) => n + 1))
    expect(box.lastN).toBe(1201)
    expect(received.every((batch) => batch.length <= 500)).toBe(true)
    expect(await new EventStore(database).waiting(session)).toEqual([])
  })

  test('is taken up a day later by another page, with what was under way when the first one died', async () => {
    const never: Send = () => new Promise(() => undefined)
    const dying = outbox(never)
    for (let n = 0; n < 700; n++) dying.append(something(`event ${n + 1}`))
    await vi.waitFor(async () => {
      expect(await new EventStore(database).waiting(session)).toHaveLength(700)
    }, 30_000)

    const later = outbox()
    await later.resume((await new KeptSessions(database).of('a'))[0]?.relayedThrough ?? NaN)
    await later.flush()
    expect(numbers()).toEqual(Array.from({ length: 700 }, (_, n) => n + 1))
    expect(later.lastN).toBe(700)
    expect(await new EventStore(database).waiting(session)).toEqual([])
  }, 30_000)

  test.each(['unauthenticated', 'not_found', 'too_large'] as const)(
    'tells whoever saves that the server answers %s, and drops nothing',
    async (code) => {
      const box = outbox(() => Promise.reject(new Problem(code, 400, 'why')))
      box.append(something('a'))
      await expect(box.flush()).rejects.toMatchObject({ code, message: 'why' })
      await vi.waitFor(async () => {
        expect(await new EventStore(database).waiting(session)).toHaveLength(1)
      }, 30_000)
    },
  )
})

describe('an outbox at a later visit', () => {
  test('takes up what was not answered, with the same numbers', async () => {
    const store = new EventStore(database)
    await store.add(session, { n: 8, ...something('h') })
    await store.add(session, { n: 9, ...something('i') })
    const box = outbox()
    await box.resume(7)
    await box.flush()
    expect(numbers()).toEqual([8, 9])
    expect(box.lastN).toBe(9)
  })

  test('knows the last number when everything had been answered', async () => {
    const box = outbox()
    await box.resume(7)
    expect(box.lastN).toBe(7)
  })
})

describe('back-off', () => {
  test('doubles from half a second and ends at half a minute', () => {
    expect([1, 2, 6, 7, 50].map((tries) => backoff(tries, () => 0))).toEqual([
      500, 1000, 16_000, 30_000, 30_000,
    ])
  })

  test('takes off up to a half by chance', () => {
    expect(backoff(1, () => 1)).toBe(250)
  })
})
