// What hands can do in a conversation: write, mute, and all of it without a mouse.
import assert from 'node:assert/strict'
import { after, before, beforeEach, afterEach, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { Parley } from './parley.mjs'
import { cafe, nothing, speak } from './speech.mjs'

let parley, speech, browser, context, learner

before(async () => {
  parley = await Parley.start()
  speech = await speak(nothing())
  browser = await launch(microphone.playing(speech.file))
  context = await browser.newContext()
  learner = await Learner.sitDown(context)
  await learner.setUp(parley.setUpLink)
  await learner.page.close()
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
})

beforeEach(async () => {
  learner = await Learner.sitDown(context)
  await learner.page.goto(parley.url)
  await learner.topics()
})

afterEach(() => learner.page.close())

test('a learner who writes is answered, and her turn is her own words', { timeout: 120_000 }, async () => {
  const written = 'A pot of ginger tea, please.'
  await learner.chooseTopic()
  await learner.start()

  await learner.page.getByRole('textbox', { name: 'Write instead' }).fill(written)
  await learner.page.getByRole('button', { name: 'Send' }).click()
  await learner.reads(written)
  await learner.endAndSave()

  const session = await learner.review()
  const { segments } = await (await learner.get(`/api/sessions/${session}`)).json()
  const turn = segments.find(({ text }) => text === written)
  assert.deepEqual([turn?.speaker, turn?.status], ['learner', 'final'])
})

test('a learner who mutes herself sees it, and the log knows', { timeout: 120_000 }, async () => {
  await learner.chooseTopic()
  await learner.start()

  await learner.page.getByRole('button', { name: 'Mute', exact: true }).click()
  await learner.sees('Muted')
  await learner.page.getByRole('button', { name: 'Unmute' }).click()
  await learner.page.getByRole('button', { name: 'Mute', exact: true }).waitFor()
  await learner.endAndSave()

  const events = await parley.replay(await learner.review())
  const muted = events.filter(({ type }) => type === 'parley.recording_muted.v1')
  assert.deepEqual(
    muted.slice(0, 2).map(({ data }) => data.on),
    [true, false],
  )
})

test('a learner without a mouse gets from the topics to the review', { timeout: 120_000 }, async () => {
  const { page } = learner
  const press = async (target, key) => {
    await learner.tabTo(target)
    await page.keyboard.press(key)
  }

  await press(page.getByRole('link', { name: cafe.topic }), 'Enter')
  await press(page.getByRole('button', { name: 'Check the microphone' }), 'Space')
  await page.getByText('Say something. The bar should move.').waitFor()
  await press(page.getByRole('button', { name: 'Start talking' }), 'Enter')
  await learner.reads(cafe.heard[0])
  await press(page.getByRole('radio').first(), 'Space')
  assert.ok(await page.getByRole('radio').first().isChecked())
  await press(page.getByRole('button', { name: 'End & save' }), 'Space')
  await learner.saved()
  await press(page.getByRole('link', { name: 'Read and hear it' }), 'Enter')
  await press(page.getByRole('button', { name: cafe.heard[0] }), 'Enter')
  await page.getByRole('button', { name: 'Pause' }).waitFor()
})
