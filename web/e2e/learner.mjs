// What a learner does with the page, in her words.
import assert from 'node:assert/strict'
import { cafe } from './speech.mjs'

export const ada = { name: 'Ada', email: 'ada@example.org', password: 'a sentence is easy to keep' }

/** A learner at her browser. Problems that the page has by itself are collected in `surprises`. */
export class Learner {
  page
  surprises = []

  /** Opens a page of a browser context. */
  static async sitDown(context) {
    const learner = new Learner()
    learner.page = await context.newPage()
    learner.#watch()
    return learner
  }

  #watch() {
    const tell = (what) => this.surprises.push(what)
    this.page.on('pageerror', (error) => tell(`error: ${error.stack}`))
    this.page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()))
        tell(`console: ${message.text()} ${message.location().url}`)
    })
    this.page.on('requestfailed', (request) => {
      if (!letGo(request)) tell(`request: ${request.url()} ${request.failure()?.errorText}`)
    })
  }

  /** The first account, by the printed link; ends at the topics. */
  async setUp(link) {
    await this.page.goto(link)
    await this.page.getByLabel('Your name').fill(ada.name)
    await this.page.getByLabel('E-mail').fill(ada.email)
    await this.page.getByLabel('Password').fill(ada.password)
    await this.page.getByRole('button', { name: 'Make account' }).click()
    await this.topics()
  }

  async signIn() {
    await this.page.getByLabel('E-mail').fill(ada.email)
    await this.page.getByLabel('Password').fill(ada.password)
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await this.topics()
  }

  async signOut() {
    await this.openAccount()
    await this.page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await this.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  }

  topics() {
    return this.page.getByRole('heading', { name: 'What shall we talk about?' }).waitFor()
  }

  chooseTopic() {
    return this.page.getByRole('link', { name: cafe.topic }).click()
  }

  /** Says a word into the microphone, sees the bar move, and is silent again. */
  async checkMicrophone() {
    await this.page.getByRole('button', { name: 'Check the microphone' }).click()
    const bar = 'svg[role=meter]'
    await this.page.locator(`${bar}:not([aria-valuenow="0"])`).waitFor()
    await this.page.locator(`${bar}[aria-valuenow="0"]`).waitFor()
  }

  /** Begins, and waits until the tutor's first words are on the screen. */
  async start() {
    await this.page.getByRole('button', { name: 'Start talking' }).click()
    await this.reads(cafe.heard[0])
  }

  /** Waits for a finished turn among the captions. */
  reads(text) {
    return this.page.getByRole('log').getByText(text).waitFor()
  }

  /** Waits for what the tutor or the learner does now: Listening, Thinking, Speaking, Muted. */
  sees(state) {
    return this.page
      .getByRole('status')
      .filter({ hasText: new RegExp(`^\\s*${state}\\s*$`) })
      .waitFor()
  }

  chooseLine(text) {
    return this.page.getByRole('radio', { name: text }).check()
  }

  /** Ends the conversation; answers when the page says that it is saved. */
  async endAndSave() {
    await this.end()
    await this.saved()
  }

  saved() {
    return this.page.getByText('Saved. You can close this page.').waitFor()
  }

  /** Ends it without waiting for more. */
  end() {
    return this.page.getByRole('button', { name: 'End & save' }).click()
  }

  /** What the server has of the session under way or saved, as the page is told. */
  async told(session) {
    return (await this.get(`/api/sessions/${session}`)).json()
  }

  /** Goes to the review of what was just saved; answers with the session's id. */
  async review() {
    await this.page.getByRole('link', { name: 'Read and hear it' }).click()
    await this.page.getByRole('region', { name: 'Recording' }).waitFor()
    return this.session()
  }

  /** The id of the session under review. */
  session() {
    return new URL(this.page.url()).hash.split('/').at(-1)
  }

  openSessions() {
    return this.page.getByRole('navigation').getByRole('link', { name: 'Sessions' }).click()
  }

  async openAccount() {
    await this.page.getByRole('navigation').getByRole('link', { name: 'Account' }).click()
    await this.page.getByRole('heading', { name: 'Your account' }).waitFor()
  }

  async openMyData() {
    await this.openAccount()
    await this.page.getByRole('link', { name: 'My data' }).click()
    await this.page.getByRole('heading', { name: 'My data' }).waitFor()
  }

  /** Asks the server as the page would, with the page's cookie. */
  get(path) {
    return this.page.request.get(new URL(path, this.page.url()).href)
  }

  /** Moves the focus there with Tab alone. */
  async tabTo(target) {
    await target.waitFor()
    for (let presses = 0; presses < 60; presses++) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await this.page.keyboard.press('Tab')
    }
    assert.fail(`Tab does not reach ${target}`)
  }
}

// The live line and the sound of a player end whenever their page does.
function letGo(request) {
  const ends = /\/api\/live$|\/audio$/.test(new URL(request.url()).pathname)
  return ends && request.failure()?.errorText === 'net::ERR_ABORTED'
}
