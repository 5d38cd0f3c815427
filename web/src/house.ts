import { createContext } from 'svelte'
import type { Account } from './account/account.svelte'
import type { Client } from './api/client'
import type { Live } from './live/live'
import type { Router } from './router.svelte'
import type { Saver } from './saving/saver'
import type { Store } from './saving/store'

/** What the views share. Made once, in main.ts. */
export type House = {
  api: Client
  live: Live
  account: Account
  router: Router
  /** This browser's store, opened at its first use. */
  store: () => Promise<Store>
  /** The saver over it. */
  saver: () => Promise<Saver>
}

export const [useHouse, provideHouse] = createContext<House>()
