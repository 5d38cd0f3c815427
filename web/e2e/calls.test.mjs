// A call that breaks, ends, or is never given: the conversation survives it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { look, Rehearsal, rounding, turnsOf, waits } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { beginToSay, say } from './voice.mjs'

/** A patient partner takes 1.2 s of silence for the end of a turn, and thinks for 240 ms. */
const leastWait = 1_440

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
})

after(() => rehearsal?.end())

const [greeting, second, third] = cafe.heard
const [tea, sandwich] = cafe.said
/** What is saved of a turn of each after the greeting, and of another one in the next call. */
const turnOfEach = [`1 tutor final ${greeting}`, `1 learner prompted ${tea}`, `1 tutor final ${second}`]
const inAnotherCall = [`2 learner prompted ${sandwich}`, `2 tutor final ${third}`]

/** Says the first line when the tutor has finished, and reads the answer. */
async function firstTurn(learner) {
  await learner.sees('Listening')
  await say(learner.page, 'cafe-1-a')
  await learner.reads(tea)
  await learner.reads(second)
}

/** The second, in the same way. */
async function secondTurn(learner) {
  await learner.sees('Listening')
  await learner.chooseLine(sandwich)
  await say(learner.page, 'cafe-2-b')
  await learner.reads(sandwich)
  await learner.reads(third)
}

function reconnecting(learner) {
  return learner.page.getByRole('status').filter({ hasText: 'Reconnecting' }).waitFor()
}

/** What was saved, when the page says so. */
async function kept(learner) {
  const session = await learner.review()
  const told = await learner.told(session)
  assert.equal(told.status, 'saved')
  const events = await rehearsal.parley.replay(session)
  const kinds = events.map(({ type }) => type.split('.')[1])
  /** The calls that the page saw break; the server tells of the clean end of each as well. */
  const broken = events.filter(({ type, via }) => type.includes('call_dropped') && via === 'browser')
  await learner.page.close()
  return { ...told, events, kinds, broken, turns: turnsOf(told) }
}

const limit = { timeout: 240_000 }
/** When a line is cut behind the first turn. That takes some ten seconds; a machine that is slow has as many more. */
const afterATurn = '20s'

test('two turns and a word between: the tutor falls silent', limit, async (t) => {
  const learner = await rehearsal.scene({})
  await learner.start()
  await firstTurn(learner)
  await learner.sees('Speaking')
  await beginToSay(learner.page, 'cafe-2-b')
  await learner.sees('Listening')
  await learner.reads(third)
  await learner.endAndSave()
  const { segments, events } = await kept(learner)
  assert.deepEqual(
    segments.map(({ speaker }) => speaker),
    ['tutor', 'learner', 'tutor', 'learner', 'tutor'],
  )
  assert.ok(segments[2].interrupted && segments[2].heard_ms > 0, JSON.stringify(segments[2]))
  const took = waits({ segments }, events)
  t.diagnostic(`from the end of her words to the first sound: ${took} ms`)
  assert.ok(took.every((ms) => ms >= leastWait - rounding), `${took} ms`)
})

test('no token at the start: it does not begin, and says why', limit, async () => {
  const learner = await rehearsal.scene({ mint: 'key' })
  await learner.page.getByRole('button', { name: 'Start talking' }).click()
  await learner.page.getByRole('heading', { name: 'The conversation could not begin' }).waitFor()
  await learner.page.getByRole('alert').getByText('The tutor does not let this server in.').waitFor()
  await learner.page.close()
})

test('a line that is cut for 3 s heals in the same call', limit, async () => {
  const learner = await rehearsal.scene({ cut_after: '1s', cut_for: '3s' })
  await learner.start()
  await firstTurn(learner)
  await learner.endAndSave()
  const { turns } = await kept(learner)
  assert.deepEqual(turns, turnOfEach)
})

test('a line that is cut for 30 s goes on in a new call', limit, async () => {
  const learner = await rehearsal.scene({ cut_after: afterATurn, cut_for: '30s' })
  await learner.start()
  await rehearsal.partner.rehearse({})
  await firstTurn(learner)
  await reconnecting(learner)
  await secondTurn(learner)
  await learner.endAndSave()
  const { turns, kinds } = await kept(learner)
  assert.deepEqual(turns, [...turnOfEach, ...inAnotherCall])
  assert.ok(kinds.includes('token_refreshed') && kinds.includes('call_dropped'), kinds.join())
})

test('no token for a new call: it ends, says why, and is saved', limit, async () => {
  const learner = await rehearsal.scene({ cut_after: afterATurn, mint: 'key', mint_after: 1 })
  await learner.start()
  await firstTurn(learner)
  await learner.saved()
  await learner.page
    .getByText('The line to the tutor broke, and no new one was given. The tutor does not let this server in.')
    .waitFor()
  await look(learner.page, 'ended')
  const { turns, kinds, ended_because } = await kept(learner)
  assert.deepEqual(turns, turnOfEach)
  assert.equal(ended_because, 'token_refresh_failed')
  const refused = kinds.filter((kind) => kind === 'token_refresh_failed')
  assert.equal(refused.length, 1, 'what no further try can heal is asked for once')
})

test('a line that is cut for good, and the network with it: what was said is saved', limit, async (t) => {
  t.after(() => rehearsal.context.setOffline(false))
  const learner = await rehearsal.scene({ cut_after: afterATurn })
  await learner.start()
  await firstTurn(learner)
  await rehearsal.context.setOffline(true)
  await reconnecting(learner)
  await look(learner.page, 'reconnecting')
  await learner.end()
  await learner.page.getByRole('heading', { name: 'Saving your conversation' }).waitFor()
  await rehearsal.context.setOffline(false)
  await learner.saved()
  const { turns } = await kept(learner)
  assert.deepEqual(turns, turnOfEach)
})

test('a call that the provider ends soon is rolled over in a pause, without a lost turn', limit, async () => {
  const learner = await rehearsal.scene({ end_after: '60s' })
  const tokens = []
  learner.page.on('response', (response) => {
    if (response.url().endsWith('/token')) tokens.push(response.status())
  })
  await learner.start()
  await firstTurn(learner)
  await learner.page.waitForResponse((response) => response.url().endsWith('/v1/realtime/calls'))
  await rehearsal.partner.rehearse({})
  await secondTurn(learner)
  assert.equal(tokens.length, 2)
  await learner.endAndSave()
  const { turns, broken } = await kept(learner)
  assert.deepEqual(turns, [...turnOfEach, ...inAnotherCall])
  assert.deepEqual(broken, [])
})

test('texts that come in the wrong order are put right', limit, async () => {
  const learner = await rehearsal.scene({ transcription: 'crossed' })
  await learner.start()
  await learner.sees('Listening')
  await say(learner.page, 'cafe-1-a')
  await learner.reads(second)
  await secondTurn(learner)
  await learner.reads(tea)
  await learner.endAndSave()
  const { turns } = await kept(learner)
  assert.deepEqual(turns, [
    ...turnOfEach,
    `1 learner prompted ${sandwich}`,
    `1 tutor final ${third}`,
  ])
})
