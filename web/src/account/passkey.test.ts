import { describe, expect, test } from 'vitest'
import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import { Entry } from './entry'
import { Mine } from './mine'
import { accept, add, canUse, signIn, type Authenticators } from './passkey'

const ada = { account: { id: '01A', name: 'Ada' } }

/** A server that answers by path, and remembers what it was asked. */
function server(answers: Record<string, unknown>) {
  const asked: [string, unknown][] = []
  const ask = (_: string, url: string, body?: unknown) => {
    asked.push([url, body])
    const answer = answers[url]
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
  }
  return { api: { ask } as Pick<Client, 'ask'>, asked }
}

/** A browser whose authenticator does what is given. */
function browser(answers: () => Promise<unknown>): Authenticators {
  return {
    credentials: { get: answers, create: answers } as unknown as CredentialsContainer,
    read: {
      parseRequestOptionsFromJSON: (options: unknown) => options,
      parseCreationOptionsFromJSON: (options: unknown) => options,
    } as unknown as typeof PublicKeyCredential,
  }
}

const holds = browser(() => Promise.resolve({ toJSON: () => 'signed' }))
const closed = (name: string) => browser(() => Promise.reject(new DOMException('closed', name)))
const offered = { ceremony: 'sealed', options: {} }

describe('signing in with a passkey', () => {
  const routes = { '/api/sign-in/passkey/options': offered, '/api/sign-in/passkey': ada }

  test('gives the ceremony back with the authenticator’s answer', async () => {
    const { api, asked } = server(routes)
    expect(await signIn(new Entry(api), holds)).toEqual(ada)
    expect(asked.at(-1)).toEqual(['/api/sign-in/passkey', { ceremony: 'sealed', credential: 'signed' }])
  })

  test.each(['NotAllowedError', 'AbortError'])('is let be by %s', async (name) => {
    const { api, asked } = server(routes)
    expect(await signIn(new Entry(api), closed(name))).toBeUndefined()
    expect(asked).toHaveLength(1)
  })

  test('passes on what else goes wrong, here and at the server', async () => {
    await expect(signIn(new Entry(server(routes).api), closed('SecurityError'))).rejects.toThrow('closed')
    const refusing = server({ ...routes, '/api/sign-in/passkey': new Problem('unauthenticated', 401, 'no') })
    await expect(signIn(new Entry(refusing.api), holds)).rejects.toMatchObject({ code: 'unauthenticated' })
  })
})

describe('accepting an invitation with a passkey', () => {
  const routes = { '/api/invitation/passkey/options': offered, '/api/invitation/accept': ada }

  test('makes one for whom the link invites, and gives it with the link', async () => {
    const { api, asked } = server(routes)
    expect(await accept(new Entry(api), holds, 'link', 'Ada')).toEqual(ada)
    expect(asked).toEqual([
      ['/api/invitation/passkey/options', { token: 'link', name: 'Ada' }],
      ['/api/invitation/accept', { token: 'link', name: 'Ada', ceremony: 'sealed', credential: 'signed' }],
    ])
  })

  test('opens nothing when the person let it be', async () => {
    const { api, asked } = server(routes)
    expect(await accept(new Entry(api), closed('NotAllowedError'), 'link', 'Ada')).toBeUndefined()
    expect(asked).toHaveLength(1)
  })
})

describe('adding a passkey', () => {
  const routes = { '/api/me/passkeys/options': offered, '/api/me/passkeys': { id: '01C' } }

  test('hands over what the authenticator made', async () => {
    const { api, asked } = server(routes)
    expect(await add(new Mine(api), holds, '', 'her password')).toBe(true)
    expect(asked[0]).toEqual(['/api/me/passkeys/options', { password: 'her password' }])
    expect(asked.at(-1)).toEqual(['/api/me/passkeys', { ceremony: 'sealed', name: '', credential: 'signed' }])
  })

  test('changes nothing when this device holds one already', async () => {
    const { api, asked } = server(routes)
    expect(await add(new Mine(api), closed('InvalidStateError'), '', '')).toBe(false)
    expect(asked).toHaveLength(1)
  })
})

describe('passkeys', () => {
  test('are not offered where the browser cannot read the server’s options', () => {
    expect(canUse(holds)).toBe(true)
    expect(canUse({ ...holds, read: undefined })).toBe(false)
    expect(canUse({ ...holds, read: {} as typeof PublicKeyCredential })).toBe(false)
  })
})
