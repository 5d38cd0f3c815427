// What this browser keeps of a session until the server has verified it:
// the session itself, the slices of its recording, and events not yet relayed.

/** The three stores. `slices` and `events` are keyed by [session, n]. */
export type StoreName = 'sessions' | 'slices' | 'events'

const version = 1

/** Opens this browser's database. Rejects when the browser refuses storage. */
export async function openDatabase(factory: IDBFactory, name = 'parley'): Promise<IDBDatabase> {
  const opening = factory.open(name, version)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore('sessions', { keyPath: 'id' })
    opening.result.createObjectStore('slices', { keyPath: ['session', 'n'] })
    opening.result.createObjectStore('events', { keyPath: ['session', 'n'] })
  }
  const database = await answer(opening)
  // A later version of the page may need to change the stores: make way.
  database.onversionchange = () => {
    database.close()
  }
  return database
}

/** What the stores use of a database. */
export type Database = Pick<IDBDatabase, 'transaction'>

/**
 * A database that is opened again whenever the browser has closed it, as it
 * does when the disk is full. What is asked meanwhile fails, and may be asked again.
 */
export async function lasting(open: () => Promise<IDBDatabase>): Promise<Database> {
  let current = await open()
  let opening: Promise<void> | undefined
  const renew = async () => {
    try {
      take(await open())
    } catch {
      // Still full, for instance: the next question tries again.
    }
    opening = undefined
  }
  const take = (next: IDBDatabase) => {
    current = next
    next.onclose = () => void (opening ??= renew())
  }
  take(current)
  return {
    transaction: (...wanted) => {
      try {
        return current.transaction(...wanted)
      } catch (cause) {
        opening ??= renew()
        throw cause
      }
    },
  }
}

/** The result of one request. */
export function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(request.error ?? new Error('the browser store gave no reason'))
    }
  })
}

/**
 * Runs writes in one transaction and resolves when the browser has put them on
 * disk. A full disk rejects, with DataError or QuotaExceededError.
 */
export function write(
  database: Database,
  stores: StoreName[],
  work: (transaction: IDBTransaction) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(stores, 'readwrite', { durability: 'strict' })
    transaction.oncomplete = () => {
      resolve()
    }
    // A request that fails aborts the transaction, which then knows why.
    transaction.onabort = () => {
      reject(transaction.error ?? new Error('the browser store refused a write'))
    }
    work(transaction)
  })
}

/** Everything of one session in a store keyed by [session, n]. */
export function ofSession(session: string): IDBKeyRange {
  return IDBKeyRange.bound([session, 0], [session, Number.MAX_SAFE_INTEGER])
}
