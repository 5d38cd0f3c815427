// A page that dies in the middle of a sentence: the server has listened itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Learner } from './learner.mjs'
import { eventually } from './parley.mjs'
import { Rehearsal } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { beginToSay, say } from './voice.mjs'

test('what a dead page heard and never told is in the transcript', { timeout: 240_000 }, async (t) => {
  const rehearsal = await Rehearsal.begin()
  t.after(() => rehearsal.end())
  const learner = await rehearsal.scene({})
  const { page } = learner
  const session = oneThatReports(page)
  /** What she had read before the page died. */
  let read

  await t.test('given a talk of which the page tells only that the line stands', async () => {
    await learner.start()
    await learner.sees('Listening')
    await say(page, 'cafe-1-a')
    await learner.reads(cafe.said[0])
    await learner.reads(cafe.heard[1])
    await learner.sees('Listening')
    read = await page.getByRole('log').locator('[lang]').allInnerTexts()
    assert.ok(read.length >= 3, read.join('\n'))
  })

  await t.test('when the page dies in the middle of her words', async () => {
    await beginToSay(page, 'cafe-2-b')
    await page.locator('svg[role=meter]:not([aria-valuenow="0"])').waitFor()
    await page.close()
  })

  const next = await Learner.sitDown(rehearsal.context)
  await next.page.goto(rehearsal.parley.url)

  await t.test('then the server has every turn that was finished', async () => {
    await eventually('the transcript is complete', async () => {
      const { segments } = await next.told(await session)
      const texts = segments.map(({ text }) => text).filter(Boolean)
      return read.every((text, place) => texts[place] === text)
    })
  })

  await t.test('then the next visit saves it, and no turn is there twice', async () => {
    const kept = next.page.getByRole('region', { name: 'Kept on this device' })
    await kept.getByRole('button', { name: 'Finish saving' }).click()
    await kept.waitFor({ state: 'detached' })
    const told = await next.told(await session)
    assert.equal(told.status, 'saved')
    const texts = told.segments.map(({ text }) => text).filter(Boolean)
    assert.deepEqual(texts.slice(0, read.length), read)
    assert.equal(new Set(told.segments.map(({ item_id }) => item_id)).size, told.segments.length)
  })
})

// Lets the page's reports through until the call is told; answers with the session.
function oneThatReports(page) {
  return new Promise((resolve) => {
    let told = false
    void page.route('**/api/sessions/*/events', async (route) => {
      if (told) return route.abort()
      await route.continue()
      if (!route.request().postData().includes('parley.call_connected')) return
      told = true
      resolve(route.request().url().split('/').at(-2))
    })
  })
}
