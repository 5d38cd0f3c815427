import { mount } from 'svelte'
import { Account } from './account/account.svelte'
import { Client } from './api/client'
import './app.css'
import App from './App.svelte'
import { Live } from './live/live'
import { Router } from './router.svelte'
import type { Saver } from './saving/saver'

const api = new Client((input, init) => fetch(input, init))
const live = new Live({
  open: () => new EventSource('/api/live'),
  locks: navigator.locks,
  channel: new BroadcastChannel('parley.live'),
  document,
})

let saver: Promise<Saver> | undefined

async function openSaver(): Promise<Saver> {
  // Only who talks or has something kept needs it.
  return (await import('./saving/open')).openSaver(api, live)
}

const house = {
  api,
  live,
  account: new Account(api),
  router: new Router(window),
  saver: () =>
    (saver ??= openSaver().catch((cause: unknown) => {
      saver = undefined // the next one may be allowed to
      throw cause
    })),
}

const target = document.getElementById('app')
if (target) mount(App, { target, props: { house } })
