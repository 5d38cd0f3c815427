// The whole line: from the microphone to the saved recording, and to its end.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, microphone } from './chromium.mjs'
import { decoded } from './decoded.mjs'
import { Learner } from './learner.mjs'
import { eventually, Parley } from './parley.mjs'
import { hear, loaded, seek, sides } from './sound.mjs'
import { cafe, speak, twoTurns } from './speech.mjs'

let parley, speech, browser, learner

before(async () => {
  parley = await Parley.start()
  speech = await speak(await twoTurns())
  browser = await launch(microphone.playing(speech.file))
  learner = await Learner.sitDown(await browser.newContext())
})

after(async () => {
  await browser?.close()
  await speech?.remove()
  await parley?.stop()
})

test('a conversation, from the set-up link to its deletion', { timeout: 240_000 }, async (t) => {
  let session, segments

  await t.test('given an account, a topic and a microphone', async () => {
    await learner.setUp(parley.setUpLink)
    await learner.chooseTopic()
    await learner.checkMicrophone()
  })

  await t.test('when she talks two turns, each appears as it is said', async () => {
    await learner.start()
    await learner.reads(cafe.said[0])
    await learner.chooseLine(cafe.said[1])
    await learner.reads(cafe.said[1])
    await learner.reads(cafe.heard[2])
    await learner.sees('Speaking')
    await learner.sees('Listening')
  })

  await t.test('then it is saved, stage after stage', async () => {
    const stages = await stagesOf(learner, () => learner.endAndSave())
    assert.deepEqual(stages, ['Recorded here', 'Uploaded', 'Checked', 'Saved'])
    session = await learner.review()
  })

  await t.test('then the transcript has both speakers in their order', async () => {
    const turns = await learner.page.locator('ol .turn').allInnerTexts()
    const want = [cafe.heard[0], cafe.said[0], cafe.heard[1], cafe.said[1], cafe.heard[2]]
    assert.equal(turns.length, want.length, turns.join('\n'))
    for (const [place, text] of want.entries()) assert.ok(turns[place].includes(text), turns[place])
    segments = (await (await learner.get(`/api/sessions/${session}`)).json()).segments
    assert.deepEqual(
      segments.map(({ speaker, status }) => `${speaker} ${status}`),
      ['tutor final', 'learner prompted', 'tutor final', 'learner prompted', 'tutor final'],
    )
  })

  await t.test('then the recording has a length and can be entered in the middle', async () => {
    const duration = await loaded(learner.page)
    assert.ok(duration > 15 && duration < 90, `${duration} s`)
    const at = await seek(learner.page, 0.5)
    assert.ok(Math.abs(at - duration / 2) < 0.5, `${at} s of ${duration} s`)
  })

  await t.test('then a click on a turn plays it from its beginning', async () => {
    const turns = learner.page.getByRole('button', { name: 'Play from' })
    const rises = await (await decoded(learner.page)).rises(0)
    let before = 0
    for (const place of [1, 3]) {
      const words = rises.find((ms) => ms > before)
      const began = await hear(learner.page, turns.nth(place))
      assert.ok(Math.abs(began - words) <= 150, `turn ${place}: ${began} ms instead of ${words} ms`)
      before = segments[place].ended_ms
    }
  })

  await t.test('then the learner is heard to the left, the tutor to the right', async () => {
    const heard = await sides(
      learner.page,
      segments.map(({ started_ms, ended_ms }) => [started_ms, ended_ms]),
    )
    for (const [place, { speaker }] of segments.entries()) {
      const { left, right } = heard[place]
      const [own, other] = speaker === 'learner' ? [left, right] : [right, left]
      // Half of a turn may be lost to a busy machine; what is there is on its own side.
      assert.ok(own > -60 && own - other > 20, `turn ${place}, ${speaker}: ${own} dB, beside it ${other} dB`)
    }
  })

  await t.test('then the session is listed and found by its words', async () => {
    const { page } = learner
    await learner.openSessions()
    await page.getByRole('link', { name: cafe.topic }).waitFor()
    await find(page, 'apples')
    await page.getByRole('link', { name: cafe.heard[2] }).waitFor()
    // A prompted line is nobody's words.
    for (const words of ['sandwich', 'bicycle']) {
      await find(page, words)
      await page.getByText(`No session mentions “${words}”.`).waitFor()
    }
  })

  await t.test('then it is there again for her who signs in again', async () => {
    await learner.signOut()
    assert.equal((await learner.get(`/api/sessions/${session}`)).status(), 401)
    await learner.signIn()
    await learner.openSessions()
    await learner.page.getByRole('link', { name: cafe.topic }).click()
    assert.ok((await loaded(learner.page)) > 15)
  })

  await t.test('when she deletes it, it is gone at once', async () => {
    const { page } = learner
    assert.notDeepEqual(await parley.stored(session), [], 'the store holds the recording until then')
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('Nothing here yet.').waitFor()
    for (const of of ['', '/audio', '/transcript.txt'])
      assert.equal((await learner.get(`/api/sessions/${session}${of}`)).status(), 404, of)
  })

  await t.test('then it is swept from log and store', async () => {
    await eventually('only tombstones are left in the log', async () => {
      const kinds = (await parley.replay(session)).map(({ type }) => type)
      return kinds.every((kind) => kind === 'parley.session_erased.v1')
    })
    await eventually('the store is swept', async () => (await parley.stored(session)).length === 0)
  })

  await t.test('then the page had no trouble of its own on the way', () => {
    // The one question that a stranger's browser asks before it knows who is there.
    const asked = (what) => what.includes('401') && what.endsWith('/api/me')
    assert.deepEqual(
      learner.surprises.filter((what) => !asked(what)),
      [],
    )
  })
})

/** The steps that the saving page marked as done while something went on, in their order. */
async function stagesOf({ page }, goesOn) {
  const done = []
  await page.exposeFunction('stageDone', (name) => done.includes(name) || done.push(name))
  await page.evaluate(() => {
    new MutationObserver(() => {
      for (const step of document.querySelectorAll('li.done')) window.stageDone(step.innerText.trim())
    }).observe(document.body, { subtree: true, childList: true, attributes: true })
  })
  await goesOn()
  return done
}

async function find(page, words) {
  await page.getByRole('searchbox').fill(words)
  await page.getByRole('button', { name: 'Search' }).click()
}
