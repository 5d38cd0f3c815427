// Makes the README's pictures from a running program: a conversation is held,
// and each main screen is taken when there is something to see on it.
//
//   make build && npm --prefix web run screenshots
import { join, resolve } from 'node:path'
import { launch, microphone } from '../e2e/chromium.mjs'
import { Learner } from '../e2e/learner.mjs'
import { Parley } from '../e2e/parley.mjs'
import { cafe, speak, twoTurns } from '../e2e/speech.mjs'

const folder = resolve(import.meta.dirname, '../screenshots')
const desk = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }
const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark', deviceScaleFactor: 2 }

const parley = await Parley.start()
const speech = await speak(await twoTurns())
const browser = await launch(microphone.playing(speech.file))
try {
  await atTheDesk(await Learner.sitDown(await browser.newContext(desk)))
  await onThePhone(await Learner.sitDown(await browser.newContext(phone)))
} finally {
  await browser.close()
  await speech.remove()
  await parley.stop()
}

async function atTheDesk(learner) {
  await learner.setUp(parley.setUpLink)
  await learner.page.getByRole('link', { name: cafe.topic }).waitFor()
  await picture(learner, 'topics')
  await learner.chooseTopic()
  await talk(learner)
  await picture(learner, 'practice')
  await learner.reads(cafe.said[1])
  await learner.reads(cafe.heard[2])
  await learner.sees('Speaking')
  await learner.sees('Listening')
  await learner.endAndSave()
  await learner.review()
  await picture(learner, 'review')
}

async function onThePhone(learner) {
  await learner.page.goto(parley.url)
  await learner.signIn()
  await learner.chooseTopic()
  await talk(learner)
  await picture(learner, 'practice-phone')
}

/** One turn of each, the second choice made, and the tutor in the middle of her answer. */
async function talk(learner) {
  await learner.checkMicrophone()
  await learner.start()
  await learner.reads(cafe.said[0])
  await learner.chooseLine(cafe.said[1])
  await learner.sees('Speaking')
}

async function picture({ page }, name) {
  await page.screenshot({ path: join(folder, `${name}.png`) })
  console.log(`screenshots/${name}.png`)
}
