// An upload that is disturbed, each time in another place: it is saved all the
// same, once, and the copy on the device goes only then.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { launch } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { leave, recording } from './left.mjs'
import { Parley } from './parley.mjs'
import { look } from './rehearsal.mjs'

const megabyte = 1024 * 1024
/** Above 10 MiB it comes in parts, of 8 MiB. */
const long = 11 * megabyte

let parley, browser, context, learner

before(async () => {
  parley = await Parley.start()
  browser = await launch()
  context = await browser.newContext()
  const first = await Learner.sitDown(context)
  await first.setUp(parley.setUpLink)
  await first.page.close()
})

after(async () => {
  await browser?.close()
  await parley?.stop()
})

/** A page on which a session with so many bytes is offered for saving. */
beforeEach(async () => {
  learner = await Learner.sitDown(context)
  await learner.page.goto(parley.url)
  await learner.topics()
})

async function given(size) {
  const session = await leave(learner.page, await recording(size))
  await learner.page.reload()
  return session
}

const offered = (page) => page.getByRole('region', { name: 'Kept on this device' })

async function finish(page) {
  await offered(page).getByRole('button', { name: 'Finish saving' }).click()
}

async function saved(session, page = learner.page) {
  await page.getByText('is saved.').waitFor()
  await offered(page).waitFor({ state: 'detached' })
  const told = await learner.told(session)
  assert.equal(told.status, 'saved')
  assert.ok(Math.abs(told.audio.duration_ms - 5_000) < 500, `${told.audio.duration_ms} ms`)
  const kinds = (await parley.replay(session)).map(({ type }) => type)
  for (const kind of ['upload_requested', 'upload_completed', 'audio_finalized'])
    assert.equal(kinds.filter((type) => type.includes(kind)).length, 1, `${kind} in ${kinds}`)
}

/** Cuts the line once: before a request of this kind leaves, or when its answer comes. */
async function cutOnce(page, method, path, requestStage) {
  const line = await page.context().newCDPSession(page)
  let cut
  const done = new Promise((resolve) => (cut = resolve))
  line.on('Fetch.requestPaused', async ({ requestId, request }) => {
    if (request.method !== method || !path.test(new URL(request.url).pathname))
      return line.send('Fetch.continueRequest', { requestId })
    line.removeAllListeners('Fetch.requestPaused')
    await line.send('Fetch.failRequest', { requestId, errorReason: 'ConnectionReset' })
    await line.send('Fetch.disable')
    cut()
  })
  await line.send('Fetch.enable', { patterns: [{ urlPattern: '*', requestStage }] })
  return done
}

const cuts = {
  'before it is announced': ['POST', /\/upload$/, 'Request'],
  'before the plan arrives': ['POST', /\/upload$/, 'Response'],
  'before the bytes leave': ['PUT', /./, 'Request'],
  'before the answer to the bytes arrives': ['PUT', /./, 'Response'],
  'before the answer that it is complete arrives': ['POST', /\/complete$/, 'Response'],
}

for (const [when, cut] of Object.entries(cuts)) {
  test(`a line that is cut ${when} costs nothing`, { timeout: 120_000 }, async () => {
    const session = await given(0)
    await offered(learner.page).waitFor()
    const isCut = cutOnce(learner.page, ...cut)
    await finish(learner.page)
    await isCut
    await saved(session)
    await learner.page.close()
  })
}

test('an answer that is lost for good is found at the next visit', { timeout: 120_000 }, async () => {
  const session = await given(0)
  await offered(learner.page).waitFor()
  const isCut = cutOnce(learner.page, 'POST', /\/complete$/, 'Response')
  await finish(learner.page)
  await isCut
  await learner.page.close()
  learner = await Learner.sitDown(context)
  await learner.page.goto(parley.url)
  // The page that died may just have been in time; then nothing is offered.
  await learner.topics()
  await finish(learner.page)
  await saved(session)
  await learner.page.close()
})

/** Lets so few bytes a second leave that a part takes a while; none while it is `offline`. */
async function throttled(page, uploadThroughput) {
  const line = await page.context().newCDPSession(page)
  await line.send('Network.enable')
  const be = (offline, uploadThroughput) =>
    line.send('Network.emulateNetworkConditions', { latency: 0, downloadThroughput: -1, uploadThroughput, offline })
  await be(false, uploadThroughput)
  return {
    stall: () => be(false, 1),
    cut: () => be(true, uploadThroughput),
    heal: () => be(false, uploadThroughput),
    free: () => line.detach(),
  }
}

const isPart = (request) => request.method() === 'PUT'
const partOf = (request) => new URL(request.url()).searchParams.get('partNumber') ?? request.url().split('/').at(-1)

/** When a second part is on its way. */
function another(page) {
  let parts = 0
  return new Promise((resolve) => page.on('request', (request) => isPart(request) && ++parts === 2 && resolve()))
}

test('one above 10 MiB goes on with what is missing after a reload', { timeout: 240_000 }, async () => {
  const session = await given(long)
  const { page } = learner
  await offered(page).waitFor()
  await throttled(page, 2 * megabyte)
  const first = page.waitForResponse((answer) => isPart(answer.request()) && answer.ok())
  const second = another(page)
  await finish(page)
  const arrived = partOf((await first).request())
  await second
  await page.reload()
  const sent = []
  page.on('request', (request) => isPart(request) && sent.push(partOf(request)))
  await finish(page)
  await saved(session)
  assert.ok(sent.length > 0 && !sent.includes(arrived), `${arrived} was there, sent again: ${sent}`)
  await page.close()
})

test('one above 10 MiB survives a line that is cut in the middle of its bytes', { timeout: 240_000 }, async () => {
  const session = await given(long)
  const { page } = learner
  await offered(page).waitFor()
  const line = await throttled(page, 2 * megabyte)
  await finish(page)
  await page.locator('progress').evaluate(
    (bar) =>
      new Promise((moved) => {
        const look = () => (bar.value > 0.1 ? moved() : requestAnimationFrame(look))
        look()
      }),
  )
  const failed = page.waitForEvent('requestfailed', isPart)
  await line.cut()
  await failed
  await line.heal()
  await saved(session)
  await page.close()
})

test('one above 10 MiB survives a line that stands still and never ends', { timeout: 240_000 }, async () => {
  const session = await given(long)
  const { page } = learner
  await offered(page).waitFor()
  const line = await throttled(page, 2 * megabyte)
  await finish(page)
  await page.getByText(/^[\d.]+ MB \/ 11.5 MB · [\d.]+ [kM]B a second · \d+ s left$/).waitFor()
  await line.stall()
  const failed = page.waitForEvent('requestfailed', { predicate: isPart, timeout: 90_000 })
  await page.getByText(/^[\d.]+ MB \/ 11.5 MB · nothing has left for \d+ s$/).waitFor()
  await look(page, 'kept-stalled')
  assert.equal((await failed).failure().errorText, 'net::ERR_ABORTED')
  await line.heal()
  await saved(session)
  await page.close()
})

test('one during which the store is restarted is saved', { timeout: 240_000 }, async () => {
  const session = await given(long)
  const { page } = learner
  await offered(page).waitFor()
  const line = await throttled(page, 2 * megabyte)
  const first = page.waitForRequest(isPart)
  await finish(page)
  await first
  await parley.restart()
  await line.free()
  // Nobody presses anything.
  await saved(session)
  await page.close()
})

test('two tabs do not save one session twice', { timeout: 120_000 }, async () => {
  const session = await given(0)
  const other = await Learner.sitDown(context)
  await other.page.goto(parley.url)
  await Promise.all([learner, other].map(({ page }) => offered(page).waitFor()))
  await Promise.all([learner, other].map(({ page }) => finish(page)))
  await Promise.all([learner, other].map(({ page }) => offered(page).waitFor({ state: 'detached' })))
  await saved(session, (await learner.page.getByText('is saved.').isVisible()) ? learner.page : other.page)
  await Promise.all([learner, other].map(({ page }) => page.close()))
})
