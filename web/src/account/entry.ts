import type { Client } from '../api/client'
import type { Ceremony, Invited, Me, Ways } from '../api/types'

/** The doors that stand open to whoever is not signed in yet. Each rejects with a Problem. */
export class Entry {
  readonly #api: Pick<Client, 'ask'>

  constructor(api: Pick<Client, 'ask'>) {
    this.#api = api
  }

  /** How one can sign in here, besides a password. */
  ways = () => this.#api.ask<Ways>('GET', '/api/sign-in')
  /** Where to send the browser to sign in at the provider. */
  leaveToProvider = () => this.#api.ask<{ address: string }>('POST', '/api/sign-in/openid')
  askPasskey = () => this.#api.ask<Ceremony>('POST', '/api/sign-in/passkey/options')
  /** Code `unauthenticated` for a passkey that is not known here. */
  signInWithPasskey = (ceremony: string, credential: unknown) =>
    this.#api.ask<Me>('POST', '/api/sign-in/passkey', { ceremony, credential })

  /** Code `forbidden` for a link that is over or was used, here and below. */
  invited = (token: string) => this.#api.ask<Invited>('POST', '/api/invitation', { token })
  accept = (token: string, name: string, password: string) =>
    this.#api.ask<Me>('POST', '/api/invitation/accept', { token, name, password })
  /** Begins to make the passkey that opens the account instead of a password. */
  offerPasskey = (token: string, name: string) =>
    this.#api.ask<Ceremony>('POST', '/api/invitation/passkey/options', { token, name })
  acceptWithPasskey = (token: string, name: string, ceremony: string, credential: unknown) =>
    this.#api.ask<Me>('POST', '/api/invitation/accept', { token, name, ceremony, credential })
  /** Where to send the browser to accept at the provider. */
  acceptAtProvider = (token: string, name: string) =>
    this.#api.ask<{ address: string }>('POST', '/api/invitation/openid', { token, name })
  reset = (token: string, password: string) => this.#api.ask<Me>('POST', '/api/reset', { token, password })
}
