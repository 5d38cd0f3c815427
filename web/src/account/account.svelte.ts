import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { Me } from '../api/types'

/** Who sits here. */
export class Account {
  /** Undefined until known; null when nobody is signed in. */
  me: Me | null | undefined = $state(undefined)
  readonly #api: Client

  constructor(api: Client) {
    this.#api = api
  }

  /** Asks the server who this is. Rejects with a Problem when it cannot say. */
  async ask(): Promise<void> {
    try {
      this.me = await this.#api.me()
    } catch (cause) {
      if (!this.signedOutBy(cause)) throw cause
    }
  }

  /** Rejects with a Problem; code `unauthenticated` for a wrong address or password. */
  async signIn(email: string, password: string): Promise<void> {
    this.me = await this.#api.signIn(email, password)
  }

  async setUp(first: { code: string; name: string; email: string; password: string }): Promise<void> {
    this.me = await this.#api.setUp(first)
  }

  async signOut(): Promise<void> {
    await this.#api.signOut()
    this.me = null
  }

  /** Takes over what another way in answered: a passkey, an invitation, a new password. */
  welcome(me: Me): void {
    this.me = me
  }

  /** The account is gone, and its sign-ins with it. */
  leave(): void {
    this.me = null
  }

  /** Whether a refusal means that nobody is signed in any more; if so, that is noted. */
  signedOutBy(cause: unknown): boolean {
    const out = cause instanceof Problem && cause.code === 'unauthenticated'
    if (out) this.me = null
    return out
  }
}
