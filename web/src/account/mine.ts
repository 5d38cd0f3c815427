import { path, query, type Client } from '../api/client'
import type { AuditPage, Browser, Ceremony, Credential, Grant, Receipt } from '../api/types'

/** What somebody asks and changes about her own account. Each rejects with a Problem. */
export class Mine {
  readonly #api: Pick<Client, 'ask'>

  constructor(api: Pick<Client, 'ask'>) {
    this.#api = api
  }

  /**
   * Code `forbidden` when the old one is wrong. An account without a password has an empty one, and
   * must have signed in within five minutes.
   */
  changePassword = (old: string, next: string) =>
    this.#api.ask<undefined>('PUT', '/api/me/password', { old, new: next })

  credentials = async () =>
    (await this.#api.ask<{ credentials: Credential[] }>('GET', '/api/me/credentials')).credentials
  /** With the password, as `eraseEverything`. */
  offerPasskey = (password: string) =>
    this.#api.ask<Ceremony>('POST', '/api/me/passkeys/options', proof(password))
  addPasskey = (ceremony: string, name: string, credential: unknown) =>
    this.#api.ask<{ id: string }>('POST', '/api/me/passkeys', { ceremony, name, credential })
  /** Where to send the browser to link this account with the provider; the password as above. */
  leaveToProvider = (password: string) =>
    this.#api.ask<{ address: string }>('POST', '/api/me/openid', proof(password))
  renameCredential = (id: string, name: string) => this.#api.ask<undefined>('PUT', credential(id), { name })
  /** Code `conflict` for the last way in. */
  removeCredential = (id: string) => this.#api.ask<undefined>('DELETE', credential(id))

  browsers = async () => (await this.#api.ask<{ browsers: Browser[] }>('GET', '/api/me/browsers')).browsers
  endBrowser = (id: string) =>
    this.#api.ask<undefined>('DELETE', `/api/me/browsers/${encodeURIComponent(id)}`)
  endOtherBrowsers = () => this.#api.ask<undefined>('DELETE', '/api/me/browsers')

  /** The newest first; `before` is the `next` of the page before. */
  audit = (before = '') => this.#api.ask<AuditPage>('GET', `/api/me/audit${query({ before })}`)

  /** Whether analysts may read what was said in a session. */
  grant = (session: string) => this.#api.ask<Grant>('GET', `${path(session)}/grant`)
  giveGrant = (session: string, until: Date) =>
    this.#api.ask<Grant>('PUT', `${path(session)}/grant`, { until: until.toISOString() })
  withdrawGrant = (session: string) => this.#api.ask<Grant>('DELETE', `${path(session)}/grant`)

  /** Of a deleted session of one's own. */
  sessionReceipt = (session: string) => this.#api.ask<Receipt>('GET', `${path(session)}/receipt`)
  /** Of an account that is gone, for whoever holds its key; nobody has to be signed in. */
  accountReceipt = (key: string) => this.#api.ask<Receipt>('POST', '/api/receipt', { receipt: key })

  /**
   * Erases everything and signs out everywhere. The password may be empty within five minutes of
   * signing in; else code `forbidden`, as for a wrong one.
   */
  eraseEverything = (password: string) =>
    this.#api.ask<{ receipt: string }>('DELETE', '/api/me', proof(password))
}

function proof(password: string): { password: string } | undefined {
  return password === '' ? undefined : { password }
}

function credential(id: string): string {
  return `/api/me/credentials/${encodeURIComponent(id)}`
}
