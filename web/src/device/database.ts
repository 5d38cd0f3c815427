// What this browser keeps of a session until the server has verified it:
// the session itself, the slices of its recording, and events not yet relayed.

/** The three stores. `slices` and `events` are keyed by [session, n]. */
export type StoreName = 'sessions' | 'slices' | 'events'

const version = 1

/**
 * This browser's database. The browser closes it when the disk is full, for
 * instance: then it is opened again at the next question.
 */
export class Database {
  readonly #open: () => Promise<IDBDatabase>
  #current: IDBDatabase

  private constructor(open: () => Promise<IDBDatabase>, current: IDBDatabase) {
    this.#open = open
    this.#current = current
  }

  /** Rejects when the browser refuses storage. */
  static async of(open: () => Promise<IDBDatabase>): Promise<Database> {
    return new Database(open, await open())
  }

  /** The answer to one question. */
  read<T>(store: StoreName, ask: (objects: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    return this.#within([store], 'readonly', (transaction) => answer(ask(transaction.objectStore(store))))
  }

  /**
   * Runs writes in one transaction and resolves when the browser has put them on
   * disk. A full disk rejects, with DataError or QuotaExceededError.
   */
  write(stores: StoreName[], work: (transaction: IDBTransaction) => void): Promise<void> {
    return this.#within(stores, 'readwrite', (transaction) => {
      work(transaction)
      return done(transaction)
    })
  }

  async #within<T>(
    stores: StoreName[],
    mode: 'readonly' | 'readwrite',
    work: (transaction: IDBTransaction) => Promise<T>,
  ): Promise<T> {
    const begin = () => this.#current.transaction(stores, mode, { durability: 'strict' })
    let transaction
    try {
      transaction = begin()
    } catch {
      // Nothing was asked of a connection that is closed.
      this.#current = await this.#open()
      transaction = begin()
    }
    return work(transaction)
  }
}

/** Opens the database of a factory, with its stores. */
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

/** The result of one request. */
function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => {
      resolve(request.result)
    }
    request.onerror = () => {
      reject(request.error ?? new Error('the browser store gave no reason'))
    }
  })
}

/** Resolves when all of a transaction is on disk. */
function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    // A browser that closes the database, as over a full disk, may say no more of the transaction.
    const closed = () => {
      reject(new DOMException('the browser closed its store', 'AbortError'))
    }
    transaction.db.addEventListener('close', closed)
    const settle = (how: () => void) => () => {
      transaction.db.removeEventListener('close', closed)
      how()
    }
    transaction.oncomplete = settle(resolve)
    // A request that fails aborts the transaction, which then knows why.
    transaction.onabort = settle(() => {
      reject(transaction.error ?? new Error('the browser store refused a write'))
    })
  })
}

/** Everything of one session in a store keyed by [session, n]. */
export function ofSession(session: string): IDBKeyRange {
  return IDBKeyRange.bound([session, 0], [session, Number.MAX_SAFE_INTEGER])
}
