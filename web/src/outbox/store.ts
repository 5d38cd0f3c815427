import type { RelayedEvent } from '../api/types'
import { ofSession, type Database } from '../device/database'
import { changeIn } from '../device/kept'

/** Events in this browser that the server has not answered yet. */
export class EventStore {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves when the event is on disk. */
  add(session: string, event: RelayedEvent): Promise<void> {
    return this.#database.write(['events'], (transaction) => {
      transaction.objectStore('events').add({ session, ...event })
    })
  }

  /** A session's waiting events in order. */
  async waiting(session: string): Promise<RelayedEvent[]> {
    const rows = await this.#database.read(
      'events',
      (events) => events.getAll(ofSession(session)) as IDBRequest<(RelayedEvent & { session: string })[]>,
    )
    return rows.map(({ n, call, at_ms, rec_ms, event }) => ({ n, call, at_ms, rec_ms, event }))
  }

  /** The server has answered everything up to `through`: remember that, drop those. */
  answered(session: string, through: number): Promise<void> {
    return this.#database.write(['sessions', 'events'], (transaction) => {
      transaction.objectStore('events').delete(IDBKeyRange.bound([session, 0], [session, through]))
      changeIn(transaction, session, { relayedThrough: through })
    })
  }
}
