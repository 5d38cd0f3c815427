import type { Me } from '../api/types'
import type { Entry } from './entry'
import type { Mine } from './mine'

/** What of the browser has to do with passkeys (WebAuthn level 3). */
export type Authenticators = {
  credentials: CredentialsContainer
  /** Undefined where a browser has none, or not on this address. */
  read: typeof PublicKeyCredential | undefined
}

/** This browser's. */
export function authenticators(window: Window & typeof globalThis): Authenticators {
  return { credentials: window.navigator.credentials, read: window.PublicKeyCredential }
}

/** Whether passkeys can be used: browsers that cannot read the server's JSON are asked for a password. */
export function canUse({ read }: Authenticators): boolean {
  return typeof read?.parseRequestOptionsFromJSON === 'function'
}

/**
 * Lets the authenticator answer for whichever account it knows here. Undefined when the person let
 * it be. Rejects with a Problem when the server refuses.
 */
export async function signIn(entry: Entry, { credentials, read }: Authenticators): Promise<Me | undefined> {
  const { ceremony, options } = await entry.askPasskey()
  if (!read) return undefined
  const publicKey = read.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON)
  const answer = await unlessLetBe(() => credentials.get({ publicKey }))
  return answer && entry.signInWithPasskey(ceremony, answer.toJSON())
}

/** Makes a passkey for who is signed in. False when the person let it be, or the device holds one already. */
export async function add(
  mine: Mine,
  browser: Authenticators,
  name: string,
  password: string,
): Promise<boolean> {
  const { ceremony, options } = await mine.offerPasskey(password)
  const made = await make(browser, options)
  if (made) await mine.addPasskey(ceremony, name, made.toJSON())
  return made !== undefined
}

/** Accepts an invitation with a passkey that is made for it. Undefined when the person let it be. */
export async function accept(
  entry: Entry,
  browser: Authenticators,
  token: string,
  name: string,
): Promise<Me | undefined> {
  const { ceremony, options } = await entry.offerPasskey(token, name)
  const made = await make(browser, options)
  return made && entry.acceptWithPasskey(token, name, ceremony, made.toJSON())
}

async function make(
  { credentials, read }: Authenticators,
  options: unknown,
): Promise<PublicKeyCredential | undefined> {
  if (!read) return undefined
  const publicKey = read.parseCreationOptionsFromJSON(options as PublicKeyCredentialCreationOptionsJSON)
  return unlessLetBe(() => credentials.create({ publicKey }))
}

// Closing the browser's dialog, waiting too long and "this device holds one already" are no failures
// of ours (WebAuthn level 3, sections 5.1.3 and 5.1.4).
const letBe: ReadonlySet<string> = new Set(['NotAllowedError', 'AbortError', 'InvalidStateError'])

async function unlessLetBe(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential | undefined> {
  try {
    return ((await ask()) as PublicKeyCredential | null) ?? undefined
  } catch (cause) {
    if (cause instanceof DOMException && letBe.has(cause.name)) return undefined
    throw cause
  }
}
