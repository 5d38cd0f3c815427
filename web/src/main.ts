import { mount } from 'svelte'
import { Account } from './account/account.svelte'
import { Client } from './api/client'
import './app.css'
import App from './App.svelte'
import { Live } from './live/live'
import { Router } from './router.svelte'

const api = new Client((input, init) => fetch(input, init))
const live = new Live({
  open: () => new EventSource('/api/live'),
  locks: navigator.locks,
  channel: new BroadcastChannel('parley.live'),
  document,
})

/** Opens something at its first use, and again after a failure: the next one may be allowed to. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined
  return () =>
    (opened ??= open().catch((cause: unknown) => {
      opened = undefined
      throw cause
    }))
}

const store = once(async () => (await import('./saving/store')).openStore())
const storage = navigator.storage as StorageManager | undefined
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const house = {
  api,
  live,
  account: new Account(api),
  router: new Router(window),
  store,
  // Only who talks or has something kept needs it.
  saver: once(async () => {
    const { Saver } = await import('./saving/saver')
    return new Saver({ api, live, store: await store(), storage, wait, random: Math.random })
  }),
}

const target = document.getElementById('app')
if (target) mount(App, { target, props: { house } })
