// When each turn began, by the recording itself: also after a mute, and in another call.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { beginnings, levelsOf, snapped } from './levels.mjs'
import { Rehearsal } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { say } from './voice.mjs'

/** How far a start may lie from its sound, in ms. */
const bound = 150

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
})

after(() => rehearsal?.end())

test('the transcript and the recording agree', { timeout: 300_000 }, async (t) => {
  const learner = await rehearsal.scene({ end_after: '60s' })
  const { page } = learner
  const button = (name) => page.getByRole('button', { name, exact: true })
  const anotherCall = page.waitForRequest(
    (request) => request.url().endsWith('/events') && request.postData()?.includes('"call":2'),
  )
  let told, levels

  await t.test('given a turn, one after words that were muted, and one in another call', async () => {
    await learner.start()
    await learner.sees('Listening')
    await say(page, 'cafe-1-a')
    await learner.reads(cafe.heard[1])
    await learner.sees('Listening')

    await button('Mute').click()
    await say(page, 'cafe-3-a')
    await button('Unmute').click()
    await say(page, 'cafe-2-b')
    await learner.reads(cafe.heard[2])

    await anotherCall
    await rehearsal.partner.rehearse({})
    await learner.sees('Listening')
    await say(page, 'cafe-3-a')
    await learner.sees('Speaking')
    await learner.sees('Listening')
    await learner.endAndSave()
    const session = await learner.review()
    told = await learner.told(session)
    levels = await levelsOf(learner, session)
  })

  for (const speaker of ['learner', 'tutor']) {
    await t.test(`then each turn of the ${speaker} starts at its sound`, (t) => {
      const turns = told.segments.filter((segment) => segment.speaker === speaker)
      assert.deepEqual([...new Set(turns.map(({ call }) => call))], [1, 2])
      const sounds = beginnings(levels)[speaker]
      const off = (at) => (turn, place) => Math.round(at(turn.started_ms) - sounds[place])
      t.diagnostic(`before snapping, in ms: ${turns.map(off((ms) => ms))}`)
      const errors = turns.map(off((ms) => snapped(levels[speaker], ms)))
      t.diagnostic(`after it: ${errors}`)
      assert.equal(sounds.length, turns.length, `${sounds} ms for ${JSON.stringify(turns)}`)
      assert.ok(errors.every((error) => Math.abs(error) <= bound), `${errors} ms`)
    })
  }
  await page.close()
})
