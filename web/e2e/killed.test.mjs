// A page that dies in the middle of a sentence: the server has listened itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Learner } from './learner.mjs'
import { eventually } from './parley.mjs'
import { Rehearsal } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { beginToSay, say } from './voice.mjs'

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
})

after(() => rehearsal?.end())

test('what a dead page heard and never told is in the transcript', { timeout: 240_000 }, async (t) => {
  const learner = await rehearsal.scene({})
  const { page } = learner
  const reports = new Reports(page, { silentFrom: 'parley.call_connected' })
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
    await page.locator('.turn.open:not(.tutor)').waitFor()
    await page.close()
  })

  const next = await Learner.sitDown(rehearsal.context)
  await next.page.goto(rehearsal.parley.url)

  await t.test('then the server has every turn that was finished', async () => {
    await eventually('the transcript is complete', async () => {
      const { segments } = await next.told(await reports.session)
      const texts = segments.map(({ text }) => text).filter(Boolean)
      return read.every((text, place) => texts[place] === text)
    })
  })

  // Half a line is none that the partner could take it for.
  await t.test('then the sentence that she had begun has its place and its times', async () => {
    await eventually('the half sentence is settled', async () => {
      const { segments } = await next.told(await reports.session)
      return segments[read.length]?.status === 'failed'
    })
    const { segments } = await next.told(await reports.session)
    halfSaidIn(segments, read)
  })

  await t.test('then the next visit saves it, and no turn is there twice', async () => {
    const kept = next.page.getByRole('region', { name: 'Kept on this device' })
    await kept.getByRole('button', { name: 'Finish saving' }).click()
    await kept.waitFor({ state: 'detached' })
    const told = await next.told(await reports.session)
    assert.equal(told.status, 'saved')
    const texts = told.segments.map(({ text }) => text).filter(Boolean)
    assert.deepEqual(texts.slice(0, read.length), read)
    assert.equal(new Set(told.segments.map(({ item_id }) => item_id)).size, told.segments.length)
    halfSaidIn(told.segments, read)
  })
  await next.page.close()
})

test('a line of the server that breaks is taken up again, and misses no turn', { timeout: 240_000 }, async () => {
  // The third event falls into the greeting, of which the page still tells.
  const learner = await rehearsal.scene({ sideband_drop: 3 })
  const reports = new Reports(learner.page)
  await learner.start()
  await learner.sees('Listening')
  const session = await reports.session
  const texts = async (who) => (await who.told(session)).segments.map(({ text }) => text)
  await eventually('the greeting is told', async () => (await texts(learner)).includes(cafe.heard[0]))

  reports.silent = true
  await say(learner.page, 'cafe-1-a')
  await learner.reads(cafe.said[0])
  await learner.reads(cafe.heard[1])
  await learner.page.close()

  const next = await Learner.sitDown(rehearsal.context)
  await next.page.goto(rehearsal.parley.url)
  const whole = [cafe.heard[0], cafe.said[0], cafe.heard[1]]
  await eventually('the transcript is complete', async () => isDeepStrictEqual(await texts(next), whole))
  await next.page.close()
})

/** Behind what was read stands what was half said; of an answer to that, the call may have had the beginning. */
function halfSaidIn(segments, read) {
  const told = JSON.stringify(segments)
  const [before, half, ...answer] = segments.slice(read.length - 1)
  assert.deepEqual([half?.speaker, half?.status, half?.call], ['learner', 'failed', 1], told)
  assert.ok(before.ended_ms <= half.started_ms && half.started_ms < half.ended_ms, told)
  assert.ok(answer.every(({ speaker }) => speaker === 'tutor') && answer.length <= 1, told)
}

/** What a page tells the server: all of it until it is made silent, or has told this one event. */
class Reports {
  silent = false
  /** The session, once its call is told. */
  session

  constructor(page, { silentFrom } = {}) {
    this.session = new Promise((resolve) => {
      void page.route('**/api/sessions/*/events', async (route) => {
        if (this.silent) return route.abort()
        await route.continue()
        const told = route.request().postData()
        this.silent ||= told.includes(silentFrom)
        if (told.includes('parley.call_connected')) resolve(route.request().url().split('/').at(-2))
      })
    })
  }
}
