// A recording is heard where one wants: turn by turn, one voice alone, without
// its pauses. Her words begin with tones of known pitch, so that what is played
// can be told from the decoded sound itself.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decoded } from './decoded.mjs'
import { levelsOf } from './levels.mjs'
import { look, Rehearsal } from './rehearsal.mjs'
import { atTheEars, hear, overhear } from './sound.mjs'
import { cafe, marked } from './speech.mjs'
import { utter } from './voice.mjs'

/** How far the beginning of a turn may lie from its sound, in ms. */
const bound = 150
const pitches = [700, 1_100]
const sides = { learner: 0, tutor: 1 }

let rehearsal

before(async () => {
  rehearsal = await Rehearsal.begin()
  await overhear(rehearsal.context)
})

after(() => rehearsal?.end())

test('a recording is heard as one likes', { timeout: 300_000 }, async (t) => {
  const learner = await rehearsal.scene({})
  const { page } = learner
  const turns = page.getByRole('button', { name: 'Play from' })
  const current = page.locator('.turn[aria-current=true]')
  const slider = page.getByRole('slider', { name: 'Position' })
  const choose = (name, label) => page.getByRole('combobox', { name }).selectOption({ label })
  let session, segments, levels, sound

  await t.test('given a conversation in which her turns begin with tones', async () => {
    const lines = await marked(pitches)
    await learner.start()
    await learner.sees('Listening')
    await utter(page, lines[0])
    await learner.reads(cafe.heard[1])
    await learner.sees('Listening')
    await utter(page, lines[1])
    await learner.reads(cafe.heard[2])
    await learner.sees('Listening')
    await learner.endAndSave()
    session = await learner.review()
    segments = (await learner.told(session)).segments
    assert.deepEqual(
      segments.map(({ speaker }) => speaker),
      ['tutor', 'learner', 'tutor', 'learner', 'tutor'],
    )
    levels = await levelsOf(learner, session)
    sound = await decoded(page)
  })

  await t.test('then its waveform appears by itself', async () => {
    await page.locator('.scrubber svg').waitFor()
    await look(page, 'playback')
  })

  await t.test('then each tone is on her side only', async () => {
    for (const pitch of pitches) {
      assert.notEqual(await sound.tone(sides.learner, pitch), undefined, `${pitch} Hz`)
      assert.equal(await sound.tone(sides.tutor, pitch), undefined, `${pitch} Hz beside it`)
    }
  })

  await t.test('when she clicks a turn, it begins with its words', async (t) => {
    const rises = await sound.rises(sides.tutor)
    const errors = []
    const told = []
    let before = -1
    for (const [place, { speaker, started_ms }] of segments.entries()) {
      const began = await hear(page, turns.nth(place))
      const words =
        speaker === 'learner'
          ? await sound.tone(sides.learner, pitches[(place - 1) / 2])
          : rises.find((ms) => ms > before)
      before = words
      errors.push(Math.round(began - words))
      told.push(Math.round(started_ms - words))
    }
    t.diagnostic(`off by, in ms: ${errors}; as it was told: ${told}`)
    assert.ok(errors.every((error) => Math.abs(error) <= bound), `${errors} ms`)
  })

  await t.test('when she hears one voice alone, it is on both ears and the other on none', async () => {
    for (const [voice, label] of [
      ['learner', 'Only me'],
      ['tutor', 'Only the tutor'],
    ]) {
      await choose('Voices', label)
      for (const place of [1, 2]) {
        const { speaker, started_ms } = segments[place]
        const ears = await atTheEars(page, started_ms, started_ms + 1_200)
        const right = speaker === voice ? (level) => level > -40 : (level) => level < -60
        assert.ok(ears.every(right), `${label}, while the ${speaker} speaks: ${ears} dBFS`)
      }
    }
  })

  await t.test('when she leaves pauses out, what is played jumps over them', async () => {
    const { from, to } = longestPause(levels)
    assert.ok(to - from > 1_500, `the longest pause is ${to - from} ms`)
    await page.getByRole('checkbox', { name: 'Skip silence' }).check()
    const landed = await page.locator('audio').evaluate(landing, from + 400)
    assert.ok(Math.abs(landed - to) <= bound + levels.tutor.span, `${landed} ms instead of ${to} ms`)
    await page.getByRole('button', { name: 'Pause' }).click()
  })

  await t.test('when she comes again, her choices are still there', async () => {
    await choose('Speed', '1.25×')
    await page.reload()
    await page.locator('.scrubber svg').waitFor()
    assert.equal(await page.getByRole('combobox', { name: 'Voices' }).inputValue(), 'tutor')
    assert.ok(await page.getByRole('checkbox', { name: 'Skip silence' }).isChecked())
    await turns.first().click()
    const { playbackRate, preservesPitch } = await page
      .locator('audio')
      .evaluate(({ playbackRate, preservesPitch }) => ({ playbackRate, preservesPitch }))
    assert.deepEqual({ playbackRate, preservesPitch }, { playbackRate: 1.25, preservesPitch: true })
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor()
  })

  await t.test('when she uses the keys, they go from turn to turn and by seconds', async () => {
    await page.getByRole('checkbox', { name: 'Skip silence' }).uncheck()
    await page.setViewportSize({ width: 360, height: 480 })
    await turns.first().click()
    for (const place of [1, 2, 3]) {
      await page.keyboard.press('j')
      await current.getByText(segments[place].text).waitFor()
    }
    await page.keyboard.press('k')
    await current.getByText(segments[2].text).waitFor()
    await page.keyboard.press('Space')
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor()
    const [before] = [Number(await slider.inputValue()), await slider.focus()]
    await page.keyboard.press('ArrowLeft')
    assert.ok(Math.abs(Number(await slider.inputValue()) - (before - 5_000)) <= 100)
    assert.match(await slider.getAttribute('aria-valuetext'), /^\d+:\d\d \/ \d+:\d\d$/)
  })

  await t.test('when she clicks into the waveform, it goes there within 100 ms', async () => {
    await page.setViewportSize({ width: 1280, height: 800 })
    const { x, y, width, height } = await slider.boundingBox()
    const all = Number(await slider.getAttribute('max'))
    for (const share of [0.25, 0.75]) {
      await page.mouse.click(x + share * width, y + height / 2)
      const at = await page.locator('audio').evaluate(({ currentTime }) => currentTime * 1000)
      // A finger and a pixel are coarser than the player: what it was told is what counts.
      assert.ok(Math.abs(at - Number(await slider.inputValue())) <= 100, `${at} ms`)
      assert.ok(Math.abs(at - share * all) <= 100 + (2 * all) / width, `${at} of ${all} ms`)
    }
  })

  /** When a turn is heard; where it is then. */
  const heardTurn = async (place) => {
    await current.getByText(segments[place].text).waitFor()
    const { top, bottom, end } = await current.evaluate(inSight)
    return { seen: top >= 0 && bottom <= end, where: `turn ${place} from ${top} to ${bottom} above ${end}` }
  }

  await t.test('when it plays on by itself, the turn that is heard stays in sight', async () => {
    await page.setViewportSize({ width: 360, height: 480 })
    await page.getByRole('checkbox', { name: 'Skip silence' }).check()
    await turns.first().click()
    for (const place of [1, 2]) {
      const { seen, where } = await heardTurn(place)
      assert.ok(seen, where)
    }
  })

  await t.test('when she scrolls meanwhile, the page stays with her until she wants to follow', async () => {
    await page.mouse.move(180, 100)
    await page.mouse.wheel(0, -5_000)
    const follow = page.getByRole('button', { name: 'Follow along' })
    await follow.waitFor()
    assert.ok(!(await heardTurn(3)).seen)
    assert.equal(await page.evaluate(() => scrollY), 0)
    await follow.click()
    const { seen, where } = await heardTurn(3)
    assert.ok(seen, where)
    await follow.waitFor({ state: 'detached' })
    assert.deepEqual(learner.surprises, [])
  })

  await t.test('when she takes the session along, it is one archive with all of it', async () => {
    const address = await page.getByRole('link', { name: 'Everything' }).getAttribute('href')
    const answer = await learner.get(address)
    assert.equal(answer.headers()['content-type'], 'application/zip')
    const archive = (await answer.body()).toString('latin1')
    for (const name of ['transcript.json', 'transcript.vtt', 'transcript.txt', 'audio.webm', 'manifest.json'])
      assert.ok(archive.includes(name), name)
  })
  await page.close()
})

/** The longest time in which nobody is heard, before the last words, in ms. */
function longestPause({ learner, tutor }) {
  let longest = { from: 0, to: 0 }
  let from = 0
  for (const [place, level] of learner.values.entries()) {
    if (Math.max(level, tutor.values[place]) < 55) continue
    const to = place * learner.span
    if (to - from > longest.to - longest.from) longest = { from, to }
    from = to + learner.span
  }
  return longest
}

// Runs in the page: where the player goes by itself when it plays from a time, in ms.
async function landing(audio, from) {
  audio.currentTime = from / 1000
  await audio.play()
  while (audio.currentTime * 1000 < from + 500) await new Promise(requestAnimationFrame)
  return audio.currentTime * 1000
}

// Runs in the page: where a turn is, and where the player begins to cover the page.
function inSight(turn) {
  const { top, bottom } = turn.getBoundingClientRect()
  return { top, bottom, end: document.querySelector('.player').getBoundingClientRect().top }
}
