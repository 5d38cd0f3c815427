// How a learner wants to be talked with: by hand, in writing, more slowly.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { look, Rehearsal, rounding, turnsOf, waits } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { say } from './voice.mjs'

/** How long the partner thinks, in ms. */
const thinking = 240

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
})

after(() => rehearsal?.end())

test('push to talk by keyboard alone, and in writing', { timeout: 240_000 }, async (t) => {
  const learner = await rehearsal.scene({})
  const { page } = learner
  const button = (name) => page.getByRole('button', { name, exact: true })

  await t.test('given a talk whose settings are changed with the keyboard', async () => {
    await learner.start()
    await look(page, 'talking')
    await learner.tabTo(button('Settings'))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'How we talk' }).waitFor()
    await look(page, 'settings')
    await learner.tabTo(page.getByRole('radio', { name: 'Hands-free' }))
    await page.keyboard.press('ArrowDown')
    await learner.tabTo(page.getByRole('radio', { name: 'At the usual speed' }))
    await page.keyboard.press('ArrowUp')
    await learner.tabTo(button('Done'))
    await page.keyboard.press('Enter')
    await learner.sees('Listening')
  })

  await t.test('when nobody holds the button, nobody is heard', async () => {
    await say(page, 'cafe-1-a')
    await look(page, 'push-to-talk')
    await learner.sees('Listening')
  })

  await t.test('when the space bar is held, she is', async () => {
    await learner.tabTo(button('Hold to talk'))
    await page.keyboard.down(' ')
    await button('Let go when you have said it').waitFor()
    await say(page, 'cafe-1-a')
    await page.keyboard.up(' ')
    await learner.reads(cafe.said[0])
    await learner.reads(cafe.heard[1])
  })

  await t.test('when she writes, that is a turn as well', async () => {
    await learner.sees('Listening')
    await page.getByLabel('Write instead').fill('A sandwich, please.')
    await page.keyboard.press('Enter')
    await learner.reads('A sandwich, please.')
    await learner.reads(cafe.heard[2])
  })

  await t.test('then all is saved, with the times of the button', async () => {
    await learner.endAndSave()
    const session = await learner.review()
    const told = await learner.told(session)
    assert.deepEqual(turnsOf(told), [
      `1 tutor final ${cafe.heard[0]}`,
      `1 learner prompted ${cafe.said[0]}`,
      `1 tutor final ${cafe.heard[1]}`,
      '1 learner final A sandwich, please.',
      `1 tutor final ${cafe.heard[2]}`,
    ])
    const [, spoken] = told.segments
    assert.ok(spoken.ended_ms - spoken.started_ms > 1_500, JSON.stringify(spoken))
    const took = waits(told, await rehearsal.parley.replay(session))
    t.diagnostic(`from release and sending to the first sound: ${took} ms`)
    assert.ok(took.every((ms) => ms >= thinking - rounding), `${took} ms`)
  })

  await t.test('then the manner is remembered, and can be another before the next start', async () => {
    await page.goto(rehearsal.parley.url)
    await page.reload()
    await learner.chooseTopic()
    await button('Settings').click()
    assert.ok(await page.getByRole('radio', { name: 'Push to talk' }).isChecked())
    assert.ok(await page.getByRole('radio', { name: 'A little slower' }).isChecked())
    await look(page, 'settings-before')
    await page.getByRole('radio', { name: 'Hands-free' }).check()
    await button('Done').click()
    await look(page, 'before')
    await learner.start()
    await learner.sees('Listening')
    assert.equal(await button('Hold to talk').count(), 0)
    await say(page, 'cafe-1-a')
    await learner.reads(cafe.heard[1])
    await page.close()
  })
})
