// Without a microphone the page says what to do.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { Parley } from './parley.mjs'
import { cafe } from './speech.mjs'
import { giveVoice, occupy, plug, say, unplug } from './voice.mjs'

const busy = 'The microphone is in use by another program. Close that program, then try again.'
const gone = 'The microphone is gone. Plug one in, and the conversation goes on with it.'
const advice = {
  refused: 'The browser does not let Parley use the microphone. Allow it in the address bar, then try again.',
  none: 'No microphone was found. Plug one in or connect your headset, then try again.',
}

let parley

before(async () => {
  parley = await Parley.start()
  const browser = await launch()
  const learner = await Learner.sitDown(await browser.newContext())
  await learner.setUp(parley.setUpLink)
  await browser.close()
})

after(() => parley?.stop())

for (const [kind, text] of Object.entries(advice)) {
  test(
    `microphone ${kind}: neither the check nor the start goes on without advice`,
    { timeout: 60_000 },
    async (t) => {
      const browser = await launch(microphone[kind])
      t.after(() => browser.close())
      const learner = await Learner.sitDown(await browser.newContext())
      const { page } = learner
      await page.goto(parley.url)
      await learner.signIn()
      await learner.chooseTopic()

      await page.getByRole('button', { name: 'Check the microphone' }).click()
      await page.getByRole('alert').getByText(text).waitFor()

      await page.getByRole('button', { name: 'Start talking' }).click()
      await page.getByRole('heading', { name: 'The conversation could not begin' }).waitFor()
      await page.getByRole('alert').getByText(text).waitFor()
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('button', { name: 'Start talking' }).waitFor()

      const { sessions } = await (await learner.get('/api/sessions')).json()
      assert.deepEqual(sessions, [], 'no session begins without a microphone')
    },
  )
}

test('microphone busy, then unplugged: advice each time, and it goes on', { timeout: 180_000 }, async (t) => {
  const browser = await launch()
  t.after(() => browser.close())
  const context = await browser.newContext()
  await giveVoice(context)
  const learner = await Learner.sitDown(context)
  const { page } = learner
  await page.goto(parley.url)
  await learner.signIn()
  await learner.chooseTopic()

  await t.test('busy: the start says so, and works when it is free', async () => {
    await occupy(page, true)
    await page.getByRole('button', { name: 'Start talking' }).click()
    await page.getByRole('alert').getByText(busy).waitFor()
    await occupy(page, false)
    await page.getByRole('button', { name: 'Try again' }).click()
    await learner.start()
  })

  await t.test('unplugged: the conversation says so, and goes on with another', async () => {
    await unplug(page)
    await page.getByRole('alert').getByText(gone).waitFor()
    await page.getByRole('button', { name: 'Use another microphone' }).click()
    await page.getByRole('alert').getByText(gone).waitFor({ state: 'detached' })
    await learner.sees('Listening')
    await say(page, 'cafe-1-a')
    await learner.reads(cafe.heard[1])
  })

  await t.test('unplugged and plugged in: it goes on by itself', async () => {
    await unplug(page)
    await page.getByRole('alert').getByText(gone).waitFor()
    await plug(page)
    await page.getByRole('alert').getByText(gone).waitFor({ state: 'detached' })
    await learner.sees('Listening')
    await learner.chooseLine(cafe.said[1])
    await say(page, 'cafe-2-b')
    await learner.reads(cafe.heard[2])
    await learner.endAndSave()
  })
})
