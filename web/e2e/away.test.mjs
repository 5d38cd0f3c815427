// The server is away while somebody talks, saves or gives up: nothing is lost,
// the page says what it waits for, and it goes on when the server is back.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { launch } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { leave, recording } from './left.mjs'
import { eventually, Parley } from './parley.mjs'
import { look } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { giveVoice, say } from './voice.mjs'

let parley, browser, context, learner

before(async () => {
  parley = await Parley.start()
  browser = await launch()
  context = await browser.newContext()
  await giveVoice(context)
  const first = await Learner.sitDown(context)
  await first.setUp(parley.setUpLink)
  await first.page.close()
})

after(async () => {
  await browser?.close()
  await parley?.stop()
})

beforeEach(async () => {
  learner = await visit()
})

async function visit() {
  const visitor = await Learner.sitDown(context)
  await visitor.page.goto(parley.url)
  await visitor.topics()
  return visitor
}

async function talk() {
  await learner.chooseTopic()
  await learner.start()
  await learner.sees('Listening')
  await say(learner.page, 'cafe-1-a')
  await learner.reads(cafe.heard[1])
  await learner.page.getByText(/^([3-9]|\d\d) s kept on this device/).waitFor()
}

const offered = ({ page }) => page.getByRole('region', { name: 'Kept on this device' })
const waits = ({ page }) => page.getByRole('status').filter({ hasText: 'waiting for the network' })
const press = (within, name) => within.getByRole('button', { name, exact: true }).click()

/** What the server has of a session that is said to be saved. */
async function isSaved(session) {
  const told = await learner.told(session)
  assert.equal(told.status, 'saved')
  return told
}

/** How many sessions this browser keeps. */
const keeps = (page) =>
  page.evaluate(async () => {
    const database = await new Promise((done) => {
      const opening = indexedDB.open('parley')
      opening.addEventListener('success', () => done(opening.result))
    })
    const counts = ['sessions', 'slices', 'events'].map((name) => database.transaction(name).objectStore(name).count())
    await Promise.all(counts.map((each) => new Promise((done) => each.addEventListener('success', done))))
    database.close()
    return counts.map(({ result }) => result)
  })

const limit = { timeout: 240_000 }

test('a server that is killed during a talk: the saving waits for it, and goes on by itself', limit, async () => {
  const { page } = learner
  await talk()
  await parley.kill()
  await learner.end()
  await waits(learner).waitFor()
  await page.getByText(/Nothing is lost: \d+ s of sound and all that was said are kept/).waitFor()
  await look(page, 'waiting')
  const tried = page.waitForRequest((request) => /\/(events|upload|end)$/.test(request.url()))
  await press(page, 'Try now')
  await tried
  await waits(learner).waitFor()
  await parley.rise()
  await learner.saved()
  const { segments, audio } = await isSaved(await learner.review())
  assert.ok(segments.some(({ text }) => text?.includes(cafe.heard[1])), JSON.stringify(segments))
  assert.ok(audio.duration_ms > 3_000)
  await page.close()
})

test('a server that is killed during a talk: the next visit finishes what the page that died could not', limit, async () => {
  await talk()
  await parley.kill()
  await learner.end()
  await waits(learner).waitFor()
  await learner.page.close()
  await parley.rise()
  learner = await visit()
  await offered(learner).getByText(cafe.topic).waitFor()
  await press(offered(learner), 'Finish saving')
  await learner.page.getByText('is saved.').waitFor()
  await offered(learner).waitFor({ state: 'detached' })
  await learner.page.getByRole('link', { name: 'Read and hear it' }).click()
  await learner.page.getByRole('region', { name: 'Recording' }).waitFor()
  const { segments } = await isSaved(learner.session())
  assert.ok(segments.some(({ text }) => text?.includes(cafe.heard[1])), JSON.stringify(segments))
  await learner.page.close()
})

test('who does not wait for a server that is away finds the session offered at once', limit, async () => {
  await talk()
  await parley.kill()
  await learner.end()
  await waits(learner).waitFor()
  await learner.page.getByRole('navigation').getByRole('link', { name: 'Practise' }).click()
  await press(offered(learner), 'Finish saving')
  await waits(learner).waitFor()
  await parley.rise()
  await learner.page.getByText('is saved.').waitFor()
  await learner.page.close()
})

test('what was left behind waits for the network as well, and is not discarded without it', limit, async (t) => {
  t.after(() => context.setOffline(false))
  const session = await leave(learner.page, await recording(0))
  await learner.page.reload()
  await offered(learner).waitFor()
  // Nothing more can be loaded when the network is gone.
  await eventually('the rest of the page is here', () =>
    learner.page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => /\/saver-/.test(name))),
  )
  await context.setOffline(true)

  await press(offered(learner), 'Discard')
  await press(learner.page, 'Discard it')
  await offered(learner).getByRole('alert').getByText('Nothing was discarded').waitFor()
  await look(learner.page, 'not-discarded')
  await press(offered(learner), 'Finish saving')
  await waits(learner).waitFor()
  await look(learner.page, 'kept-waiting')
  await context.setOffline(false)
  await learner.page.getByText('is saved.').waitFor()
  await isSaved(session)
  await learner.page.close()
})

test('another tab offers nothing of a talk that goes on, and all of one that broke off', limit, async () => {
  await talk()
  const other = await visit()
  // Something that is offered, beside what is not.
  await leave(other.page, await recording(0))
  await other.page.reload()
  const finish = offered(other).getByRole('button', { name: 'Finish saving' })
  await finish.first().waitFor()
  assert.equal((await keeps(other.page))[0], 2)
  assert.equal(await finish.count(), 1)
  await learner.page.close()
  await finish.nth(1).waitFor()
  for (let left = 2; left > 0; left--) {
    const rows = offered(other).locator('.row')
    await press(rows.first(), 'Discard')
    await press(other.page, 'Discard it')
    await rows.nth(left - 1).waitFor({ state: 'detached' })
  }
  assert.deepEqual(await keeps(other.page), [0, 0, 0])
  await other.page.close()
})

test('a session that is deleted is forgotten here too', limit, async () => {
  const session = await leave(learner.page, await recording(0))
  await learner.page.goto(new URL(`#/sessions/${session}`, parley.url).href)
  await press(learner.page, 'Delete')
  await press(learner.page, 'Delete for good')
  await learner.page.getByText('The session is deleted.').waitFor()
  assert.deepEqual(await keeps(learner.page), [0, 0, 0])
  await learner.page.close()
})

test('of a session that was deleted elsewhere nothing is offered for saving', limit, async () => {
  const session = await leave(learner.page, await recording(0))
  const headers = { 'Sec-Fetch-Site': 'same-origin' }
  const answer = await learner.page.request.delete(new URL(`/api/sessions/${session}`, parley.url).href, { headers })
  assert.ok(answer.ok(), `${answer.status()}`)
  await learner.page.reload()
  await offered(learner).getByText('no longer at the server').waitFor()
  assert.equal(await offered(learner).getByRole('button', { name: 'Finish saving' }).count(), 0)
  await look(learner.page, 'kept-gone')
  await press(offered(learner), 'Discard')
  await press(learner.page, 'Discard it')
  await offered(learner).waitFor({ state: 'detached' })
  assert.deepEqual(await keeps(learner.page), [0, 0, 0])
  await learner.page.close()
})
