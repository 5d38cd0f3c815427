// Without a microphone the page says what to do.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { Parley } from './parley.mjs'

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
