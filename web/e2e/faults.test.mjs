// Each trouble that the partner can play, once: the page goes on, and what was
// said is saved in its order.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Rehearsal, turnsOf } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { say } from './voice.mjs'

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
})

after(() => rehearsal?.end())

const [greeting, second] = cafe.heard
const tutor = (text) => `1 tutor final ${text}`
const learner = (how) => `1 learner ${how}`
const said = learner(`prompted ${cafe.said[0]}`)
const whole = [tutor(greeting), said, tutor(second)]

/** What is saved of a turn of each after the greeting, by the trouble that was played. */
const troubles = {
  'a slow mint': [{ mint_delay: '2s' }, whole],
  'a text that comes late': [{ transcription: 'late' }, whole],
  'deltas before their turn': [{ transcription: 'early' }, whole],
  'a text that comes twice': [{ transcription: 'duplicate' }, whole],
  'a text word by word': [{ transcription: 'cumulative' }, whole],
  'a text that failed': [{ transcription: 'failed' }, [tutor(greeting), learner('failed'), tutor(second)]],
  'a text without words': [{ transcription: 'empty' }, [tutor(greeting), learner('empty'), tutor(second)]],
  'a text that never comes': [
    { transcription: 'missing' },
    [tutor(greeting), learner('missing'), tutor(second)],
  ],
  'the names of the beta': [{ beta_names: true }, whole],
  'events of the future, and garbage': [{ unknown_events: true, garbage: true }, whole],
}

for (const [trouble, [faults, turns]] of Object.entries(troubles)) {
  test(`${trouble} costs no turn`, { timeout: 180_000 }, async () => {
    const her = await rehearsal.scene(faults)
    await her.start()
    await her.sees('Listening')
    await say(her.page, 'cafe-1-a')
    await her.reads(second)
    if (turns.includes(said)) await her.reads(cafe.said[0])
    await her.endAndSave()
    const told = await her.told(await her.review())
    assert.deepEqual(turnsOf(told), turns)
    await her.page.close()
  })
}

/** Why the first token opens no call. */
const useless = {
  'is refused although it is good': { offer_refusals: 1 },
  'is past its time before it says': { token_life: '1ms' },
}

for (const [why, faults] of Object.entries(useless)) {
  test(`a token that ${why} is replaced by another`, { timeout: 180_000 }, async () => {
    const her = await rehearsal.scene(faults)
    let minted = 0
    await her.page.route('**/token', async (route) => {
      if (++minted === 2) await rehearsal.partner.rehearse({})
      await route.continue()
    })
    await her.start()
    assert.equal(minted, 2)
    await her.endAndSave()
    assert.deepEqual(turnsOf(await her.told(await her.review())), [`2 tutor final ${greeting}`])
    await her.page.close()
  })
}

for (const end of ['', 'close', 'cut', 'silence']) {
  test(`a call that ends early (${end || 'with an error'}) goes on in another`, { timeout: 240_000 }, async () => {
    // One token is given, so that no other call stands ready when the first one ends.
    const her = await rehearsal.scene({ end_after: '20s', end, mint: 'server', mint_after: 1 })
    await her.start()
    await her.sees('Listening')
    await say(her.page, 'cafe-1-a')
    await her.reads(second)
    await her.page.getByText('No other line to the tutor is to be had.').waitFor()
    await rehearsal.partner.rehearse({})
    await her.page.waitForResponse(
      (answer) => answer.url().endsWith('/v1/realtime/calls') && answer.status() === 201,
    )
    await her.sees('Listening')
    await her.chooseLine(cafe.said[1])
    await say(her.page, 'cafe-2-b')
    await her.reads(cafe.heard[2])
    await her.reads(cafe.said[1])
    await her.endAndSave()
    const told = await her.told(await her.review())
    assert.deepEqual(turnsOf(told), [
      ...whole,
      `2 learner prompted ${cafe.said[1]}`,
      `2 tutor final ${cafe.heard[2]}`,
    ])
    await her.page.close()
  })
}

/** What a learner reads for each reason not to give a token. */
const refusals = {
  quota: 'This server’s credit with the tutor is used up. Tell whoever runs it.',
  key: 'The tutor does not let this server in. Tell whoever runs it.',
  model_gone: 'The tutor that this server asks for is gone. Tell whoever runs it.',
  rate: 'The tutor is busy. Try again in a minute.',
  network: 'The server cannot reach the tutor. Try again in a minute.',
  server: 'Something is wrong with the tutor. Try again in a minute.',
}

for (const [mint, sentence] of Object.entries(refusals)) {
  test(`no token for reasons of ${mint}: it says so and does not begin`, { timeout: 120_000 }, async () => {
    const her = await rehearsal.scene({ mint })
    await her.page.getByRole('button', { name: 'Start talking' }).click()
    await her.page.getByRole('heading', { name: 'The conversation could not begin' }).waitFor()
    await her.page.getByRole('alert').getByText(sentence, { exact: true }).waitFor()
    await her.page.close()
  })
}

for (const truncation of ['early', 'late', 'zero', 'missing']) {
  test(`a word between, told of ${truncation}, costs no turn`, { timeout: 180_000 }, async () => {
    const her = await rehearsal.scene({ truncation, cancel_late: true })
    await her.start()
    await her.sees('Speaking')
    await say(her.page, 'cafe-1-a')
    await her.reads(second)
    await her.reads(cafe.said[0])
    await her.sees('Listening')
    await her.endAndSave()
    const told = await her.told(await her.review())
    assert.deepEqual(turnsOf(told), whole)
    const [{ interrupted, heard_ms }] = told.segments
    assert.ok(interrupted)
    if (truncation === 'zero') assert.equal(heard_ms, 0)
    else if (truncation !== 'missing') assert.ok(heard_ms > 0, `${heard_ms}`)
    await her.page.close()
  })
}
