// My data: who did what, and the end of everything, with a receipt that outlives the account.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { ada, Learner } from './learner.mjs'
import { eventually, Parley } from './parley.mjs'
import { nothing, speak } from './speech.mjs'

let parley, speech, browser, learner

before(async () => {
  parley = await Parley.start()
  speech = await speak(nothing())
  browser = await launch(microphone.playing(speech.file))
  learner = await Learner.sitDown(await browser.newContext())
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
})

test('everything of a learner, deleted by herself', { timeout: 180_000 }, async (t) => {
  const button = (name) => learner.page.getByRole('button', { name, exact: true })
  let session, receipt

  await t.test('given a saved session', async () => {
    await learner.setUp(parley.setUpLink)
    await learner.chooseTopic()
    await learner.start()
    await learner.endAndSave()
    session = await learner.review()
  })

  await t.test('when she lets analysts read it, she sees until when, and can take it back', async () => {
    await button('Allow for 30 days').click()
    await button('Withdraw').click()
    await learner.page.getByText('No analyst can read what was said here.').waitFor()
  })

  await t.test('then My data says who did what', async () => {
    await learner.openMyData()
    await learner.page.getByText('The account was made').waitFor()
  })

  await t.test('when she deletes everything, she gets a receipt', async () => {
    assert.notDeepEqual(await parley.stored(session), [])
    await button('Delete everything…').click()
    await button('Delete everything for good').click()
    await learner.page.getByText('Everything of yours is deleted.').waitFor()
    receipt = await learner.page.getByLabel('Address of this receipt').inputValue()
  })

  await t.test('then nobody can sign in as her any more', async () => {
    assert.equal((await learner.get('/api/me')).status(), 401)
    await learner.page.goto(new URL('#/sign-in', parley.url).href)
    await learner.page.getByLabel('E-mail').fill(ada.email)
    await learner.page.getByLabel('Password').fill(ada.password)
    await button('Sign in').click()
    await learner.page.getByText('E-mail or password is wrong.').waitFor()
  })

  await t.test('then the receipt says to any browser that all is gone', async () => {
    const stranger = await Learner.sitDown(await browser.newContext())
    await stranger.page.goto(receipt)
    const swept = stranger.page.getByRole('listitem').filter({ hasText: 'bytes in the log were overwritten' })
    await swept.filter({ hasNotText: 'under way' }).waitFor({ timeout: 60_000 })
    await stranger.page.getByText('1 session from the log').waitFor()
  })

  await t.test('then the recording is gone from the store', () =>
    eventually('the store is swept', async () => (await parley.stored(session)).length === 0),
  )
})

test('a session that is deleted in another browser', { timeout: 60_000 }, async (t) => {
  const page = () => learner.page
  let elsewhere, session, title

  await t.test('given one that she looks at here', async () => {
    await learner.page.context().close()
    await parley.stop()
    parley = await Parley.start()
    learner = await Learner.sitDown(await browser.newContext())
    await learner.setUp(parley.setUpLink)
    const [topic] = (await (await learner.get('/api/topics')).json()).topics
    elsewhere = (method, path, data) => page().request.fetch(new URL(path, parley.url).href, { method, data })
    session = (await (await elsewhere('POST', '/api/sessions', { topic_id: topic.id })).json()).id
    title = topic.title
    await page().goto(new URL(`#/sessions/${session}`, parley.url).href)
    await page().getByRole('heading', { name: title }).waitFor()
    learner.surprises.length = 0 // of the first look, when nobody was signed in
  })

  await t.test('when it is deleted there, this page says so and shows nothing of it any more', async () => {
    assert.equal((await elsewhere('DELETE', `/api/sessions/${session}`)).status(), 202)
    await page().getByText('The session is deleted.').waitFor()
    assert.equal(await page().getByRole('heading', { name: title }).count(), 0)
    assert.deepEqual(learner.surprises, [])
  })
})
