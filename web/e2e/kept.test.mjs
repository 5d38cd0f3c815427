// A page that dies in the middle of a conversation loses nothing.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { Parley } from './parley.mjs'
import { loaded } from './sound.mjs'
import { cafe, nothing, speak } from './speech.mjs'

let parley, speech, browser, context

before(async () => {
  parley = await Parley.start()
  speech = await speak(nothing())
  browser = await launch(microphone.playing(speech.file))
  context = await browser.newContext()
  const learner = await Learner.sitDown(context)
  await learner.setUp(parley.setUpLink)
  await learner.page.close()
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
})

let learner

beforeEach(async () => {
  learner = await Learner.sitDown(context)
  await learner.page.goto(parley.url)
  await learner.chooseTopic()
  await learner.start()
  await learner.sees('Speaking')
  await learner.sees('Listening')
})

const deaths = {
  reloaded: (page) => page.reload(),
  closed: (page) => page.close(),
  crashed: async (page) => {
    const crash = page.waitForEvent('crash')
    const devtools = await page.context().newCDPSession(page)
    // The answer never comes: who would give it is gone.
    devtools.send('Page.crash').catch(() => undefined)
    await crash
    await page.close()
  },
}

for (const [death, dies] of Object.entries(deaths)) {
  test(`a page that was ${death} is finished at the next visit`, { timeout: 120_000 }, async () => {
    await dies(learner.page)

    const next = learner.page.isClosed() ? await Learner.sitDown(context) : learner
    await next.page.goto(new URL('#/topics', parley.url).href)
    const kept = next.page.getByRole('region', { name: 'Kept on this device' })
    await kept.getByText(cafe.topic).waitFor()
    await kept.getByRole('button', { name: 'Finish saving' }).click()
    await kept.waitFor({ state: 'detached' })

    await next.openSessions()
    await next.page.getByRole('link', { name: cafe.topic }).first().click()
    await next.page.getByRole('button', { name: cafe.heard[0] }).waitFor()
    assert.ok((await loaded(next.page)) > 3)
    const session = await (await next.get(`/api/sessions/${next.session()}`)).json()
    assert.equal(session.status, 'saved')
    await next.page.close()
  })
}
