import { Database, openDatabase } from '../device/database'
import { KeptSessions } from '../device/kept'
import { Slices } from '../recording/slices'

/** This browser's store, as far as one looks into it before anything is saved. */
export class Store {
  readonly database: Database
  readonly kept: KeptSessions
  readonly slices: Slices

  constructor(database: Database) {
    this.database = database
    this.kept = new KeptSessions(database)
    this.slices = new Slices(database)
  }
}

/** Opens it; rejects when the browser refuses storage. */
export async function openStore(): Promise<Store> {
  return new Store(await Database.of(() => openDatabase(indexedDB)))
}
