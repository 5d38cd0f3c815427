// Passkeys, with Chromium's own virtual authenticator. They need a name, so
// Parley is opened as localhost here.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { ada, Learner } from './learner.mjs'
import { freePort, Parley } from './parley.mjs'

let parley, browser, learner, authenticator

before(async () => {
  const port = await freePort()
  const settings = { PARLEY_PUBLIC_URL: `http://localhost:${port}` }
  parley = await Parley.start({ addr: `127.0.0.1:${port}`, settings })
  browser = await launch(microphone.none)
  learner = await Learner.sitDown(await browser.newContext())
  authenticator = await Authenticator.plugIn(learner.page)
})

after(async () => {
  await browser?.close()
  await parley?.stop()
})

test('a passkey, from its making to its end', { timeout: 120_000 }, async (t) => {
  const button = (name) => learner.page.getByRole('button', { name, exact: true })

  await t.test('given an account with a password', () => learner.setUp(parley.setUpLink))

  await t.test('when she adds a passkey, it is listed under her browser’s name', async () => {
    await learner.openAccount()
    assert.ok(await button('Remove Password').isDisabled(), 'the last way in stays')
    await button('Add a passkey').click()
    await learner.page.getByRole('button', { name: /^Remove Chrome on / }).waitFor()
    assert.equal((await authenticator.credentials()).length, 1)
  })

  await t.test('then she can call it something else', async () => {
    await learner.page.getByRole('button', { name: /^Rename Chrome on / }).click()
    await learner.page.getByLabel('Name of the passkey').fill('My laptop')
    await button('Save name').click()
    await button('Remove My laptop').waitFor()
  })

  await t.test('when she signed out, it signs her in with nothing typed', async () => {
    await learner.signOut()
    await button('Sign in with a passkey').click()
    await learner.openAccount()
    await learner.page.getByText(ada.email).waitFor()
  })

  await t.test('when it is removed, it signs nobody in any more', async () => {
    await button('Remove My laptop').click()
    await button('Remove it').click()
    await button('Remove My laptop').waitFor({ state: 'detached' })
    await learner.signOut()
    await button('Sign in with a passkey').click()
    await learner.page.getByText('This passkey is not known here.').waitFor()
  })

  await t.test('then the password still does', () => learner.signIn())
})

test('an invitation, taken up with a passkey', { timeout: 120_000 }, async (t) => {
  const berta = 'berta@example.org'
  const button = (name) => learner.page.getByRole('button', { name, exact: true })

  await t.test('given one for Berta, and a browser in which nobody is signed in', async () => {
    await authenticator.forget()
    const printed = await parley.command('account invite', '--email', berta, '--role', 'learner')
    await learner.signOut()
    await learner.page.goto(/http\S+/.exec(printed)[0])
  })

  await t.test('when she gives her name and takes a passkey, she is in', async () => {
    await learner.page.getByLabel('Your name').fill('Berta')
    await button('Open it with a passkey').click()
    await learner.topics()
    assert.equal((await authenticator.credentials()).length, 1)
  })

  await t.test('then it is how she signs in', async () => {
    await learner.signOut()
    await button('Sign in with a passkey').click()
    await learner.openAccount()
    await learner.page.getByText(berta).waitFor()
  })
})

/** A key that answers by itself, in the place of a person with a finger. */
class Authenticator {
  #devtools
  #id

  static async plugIn(page) {
    const key = new Authenticator()
    key.#devtools = await page.context().newCDPSession(page)
    await key.#devtools.send('WebAuthn.enable')
    const options = {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    }
    key.#id = (await key.#devtools.send('WebAuthn.addVirtualAuthenticator', { options })).authenticatorId
    return key
  }

  forget() {
    return this.#devtools.send('WebAuthn.clearCredentials', { authenticatorId: this.#id })
  }

  async credentials() {
    return (await this.#devtools.send('WebAuthn.getCredentials', { authenticatorId: this.#id })).credentials
  }
}
