// Every screen on the narrowest phone, by day and by night. Pictures of them
// are left in test-results, for people to look at.
import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { Parley } from './parley.mjs'
import { nothing, speak } from './speech.mjs'

const pictures = resolve(import.meta.dirname, '../test-results/screens')
const phone = { width: 360, height: 740 }

let parley, speech, browser

before(async () => {
  parley = await Parley.start()
  speech = await speak(nothing())
  browser = await launch(microphone.playing(speech.file))
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
})

for (const colorScheme of ['light', 'dark']) {
  test(`no screen is wider than the phone, and each is ${colorScheme}`, { timeout: 120_000 }, async (t) => {
    const context = await browser.newContext({ viewport: phone, colorScheme })
    t.after(() => context.close())
    const learner = await Learner.sitDown(context)
    const { page } = learner
    const look = async (name, sign) => {
      await sign.first().waitFor()
      await page.screenshot({ path: join(pictures, `${colorScheme}-${name}.png`), fullPage: true })
      await t.test(name, () => fits(page, colorScheme))
    }
    const button = (name) => page.getByRole('button', { name, exact: true })

    await page.goto(parley.setUpLink)
    // The link works once; the second round finds an account.
    if (colorScheme === 'light') {
      await look('set-up', button('Make account'))
      await learner.setUp(parley.setUpLink)
      await learner.signOut()
    }
    await page.goto(new URL('#/sign-in', parley.url).href)
    await look('sign-in', button('Sign in'))
    await learner.signIn()
    await look('topics', page.getByRole('listitem'))
    await page.getByRole('link', { name: 'Make a topic of your own' }).click()
    await look('new-topic', button('Save topic'))
    await page.getByRole('link', { name: 'Cancel' }).click()
    await learner.chooseTopic()
    await look('before', button('Start talking'))
    await learner.start()
    await look('conversation', page.getByRole('radio'))
    await learner.endAndSave()
    await look('saved', page.getByRole('link', { name: 'Read and hear it' }))
    await learner.review()
    await look('review', page.getByRole('region', { name: 'Recording' }))
    await button('Delete').click()
    await look('delete', button('Delete for good'))
    await page.keyboard.press('Escape')
    await learner.openSessions()
    await look('sessions', page.getByRole('listitem'))
    await learner.openAccount()
    await look('account', page.getByText('this browser'))
    await learner.openMyData()
    await look('my-data', page.getByText('The account was made'))
    await page.goto(new URL('#/nowhere', parley.url).href)
    await look('nowhere', page.getByRole('link', { name: 'Go to the topics' }))
  })
}

async function fits(page, colorScheme) {
  const { wide, outside, light } = await page.evaluate(measures)
  assert.ok(wide <= phone.width, `${wide} px wide: ${outside.join(', ')}`)
  assert.equal(light > 0.5 ? 'light' : 'dark', colorScheme, `the ground has a lightness of ${light}`)
}

// Runs in the page: how wide it is, what sticks out, and how light its ground is.
function measures() {
  const sticks = (element) => element.getBoundingClientRect().right > innerWidth + 1
  const outside = [...document.querySelectorAll('main *')].filter(sticks)
  const canvas = new OffscreenCanvas(1, 1).getContext('2d')
  canvas.fillStyle = getComputedStyle(document.documentElement).backgroundColor
  canvas.fillRect(0, 0, 1, 1)
  const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data
  return {
    wide: document.documentElement.scrollWidth,
    outside: outside.slice(0, 5).map(({ outerHTML }) => outerHTML.slice(0, 80)),
    light: (red + green + blue) / 3 / 255,
  }
}
