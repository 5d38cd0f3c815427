import type { EndReason } from '../api/types'
import { ofSession, type Database } from './database'

/** A session that this browser still holds something of. */
export type KeptSession = {
  id: string
  /** Whose it is: another person at the same browser is not offered it. */
  account: string
  title: string
  /** What was practised; earlier versions of the page did not keep it. */
  topic?: string
  /** Type of the recording; null when none was made. */
  contentType: string | null
  /** Why it ended; null while it was still going on when the page died. */
  ended: EndReason | null
  /** Every event up to this number has been answered by the server. */
  relayedThrough: number
}

/** The sessions kept in this browser. */
export class KeptSessions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Those of an account, oldest first: ids begin with the time. */
  async of(account: string): Promise<KeptSession[]> {
    const all = await this.#database.read(
      'sessions',
      (sessions) => sessions.getAll() as IDBRequest<KeptSession[]>,
    )
    return all.filter((kept) => kept.account === account)
  }

  keep(session: KeptSession): Promise<void> {
    return this.#database.write(['sessions'], (transaction) => {
      transaction.objectStore('sessions').put({ ...session })
    })
  }

  /** Changes some fields of a kept session; one that is no longer kept stays so. */
  change(id: string, fields: Partial<Omit<KeptSession, 'id'>>): Promise<void> {
    return this.#database.write(['sessions'], (transaction) => {
      changeIn(transaction, id, fields)
    })
  }

  /** Removes the session with its slices and events. Only after the server verified it, or on discard. */
  forget(id: string): Promise<void> {
    return this.#database.write(['sessions', 'slices', 'events'], (transaction) => {
      transaction.objectStore('sessions').delete(id)
      transaction.objectStore('slices').delete(ofSession(id))
      transaction.objectStore('events').delete(ofSession(id))
    })
  }
}

/** The same within a transaction that does more. */
export function changeIn(
  transaction: IDBTransaction,
  id: string,
  fields: Partial<Omit<KeptSession, 'id'>>,
): void {
  const store = transaction.objectStore('sessions')
  const reading = store.get(id) as IDBRequest<KeptSession | undefined>
  reading.onsuccess = () => {
    if (reading.result) store.put({ ...reading.result, ...fields })
  }
}
