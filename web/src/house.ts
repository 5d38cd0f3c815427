import { createContext } from 'svelte'
import type { Account } from './account/account.svelte'
import type { Client } from './api/client'
import type { Live } from './live/live'
import type { Router } from './router.svelte'
import type { Saver } from './saving/saver'

/** What the views share. Made once, in main.ts. */
export type House = {
  api: Client
  live: Live
  account: Account
  router: Router
  /** The saver over this browser's store, opened at its first use. */
  saver: () => Promise<Saver>
}

export const [useHouse, provideHouse] = createContext<House>()
