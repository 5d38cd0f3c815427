// When each turn began and ended, by the recording itself: also after a mute, and in another call.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decoded } from './decoded.mjs'
import { Rehearsal } from './rehearsal.mjs'
import { hear } from './sound.mjs'
import { retune, sayTone } from './tones.mjs'

/** What is said, by pitch in Hz. Of the learner's the second is said while she is muted. */
const pitches = { learner: [500, 700, 900, 1100], tutor: [1300, 1500, 1700, 1900] }
const muted = 700
/** The sides of the recording. */
const sides = { learner: 0, tutor: 1 }
/**
 * How far a start, found by the player, may lie from its sound, and an end as it is told; in ms. The tutor's voice ends
 * where nothing is heard of it any more: a machine that stutters makes holes in it, and fills what follows with noise.
 */
const bounds = { learner: { start: 150, end: 150 }, tutor: { start: 150, end: 1_000 } }

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
  await retune(rehearsal.context, pitches.tutor)
})

after(() => rehearsal?.end())

test('the transcript and the recording agree', { timeout: 300_000 }, async (t) => {
  const learner = await rehearsal.scene({ end_after: '60s' })
  const { page } = learner
  const button = (name) => page.getByRole('button', { name, exact: true })
  const anotherCall = page.waitForRequest(
    (request) => request.url().endsWith('/events') && request.postData()?.includes('"call":2'),
  )
  let segments, recording

  /** A tone when the tutor has finished, and the answer. */
  async function turn(pitch) {
    await learner.sees('Listening')
    await sayTone(page, pitch)
    await learner.sees('Speaking')
  }

  await t.test('given a turn, one after a tone that was muted, and one in another call', async () => {
    await learner.start()
    await turn(pitches.learner[0])

    await learner.sees('Listening')
    await button('Mute').click()
    await sayTone(page, muted)
    await button('Unmute').click()
    await turn(pitches.learner[2])

    await anotherCall
    await rehearsal.partner.rehearse({})
    await turn(pitches.learner[3])
    await learner.sees('Listening')
    await learner.endAndSave()
    const session = await learner.review()
    segments = (await learner.told(session)).segments
    recording = await decoded(page)
  })

  await t.test('then each tone is on its side only, and the muted one on none', async () => {
    for (const [speaker, side] of Object.entries(sides))
      for (const pitch of pitches[speaker]) {
        const heard = (await recording.span(side, pitch)) !== undefined
        assert.equal(heard, pitch !== muted, `${pitch} Hz of the ${speaker}`)
        assert.equal(await recording.span(1 - side, pitch), undefined, `${pitch} Hz of the ${speaker} beside it`)
      }
  })

  for (const speaker of ['learner', 'tutor']) {
    await t.test(`then each turn of the ${speaker} begins and ends with its tone`, async (t) => {
      const off = { told: [], start: [], end: [] }
      const turns = segments.filter((segment) => segment.speaker === speaker)
      assert.deepEqual([...new Set(turns.map(({ call }) => call))], [1, 2])
      const said = pitches[speaker].filter((pitch) => pitch !== muted)
      assert.equal(turns.length, said.length, JSON.stringify(turns))
      for (const [place, turn] of turns.entries()) {
        const [from, to] = await recording.span(sides[speaker], said[place])
        const played = page.getByRole('button', { name: 'Play from' }).nth(segments.indexOf(turn))
        off.told.push(Math.round(turn.started_ms - from))
        off.start.push(Math.round((await hear(page, played)) - from))
        off.end.push(Math.round(turn.ended_ms - to))
      }
      t.diagnostic(`off, in ms: starts as told ${off.told}, as played ${off.start}; ends ${off.end}`)
      for (const [what, bound] of Object.entries(bounds[speaker]))
        assert.ok(off[what].every((ms) => Math.abs(ms) <= bound), `${what}s: ${off[what]} ms`)
    })
  }
  await page.close()
})
