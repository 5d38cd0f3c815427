import type { Client } from '../api/client'
import { Database, openDatabase } from '../device/database'
import type { Live } from '../live/live'
import { Saver } from './saver'

/** The saver over this browser's store. Rejects when the browser refuses storage. */
export async function openSaver(api: Client, live: Live): Promise<Saver> {
  const database = await Database.of(() => openDatabase(indexedDB))
  const storage = navigator.storage as StorageManager | undefined
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  return new Saver({ api, live, database, storage, wait, random: Math.random })
}
