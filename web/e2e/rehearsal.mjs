// Parley with a partner whose troubles a test can set.
import assert from 'node:assert/strict'
import { join, resolve } from 'node:path'
import { launch } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { freePort, Parley, Partner } from './parley.mjs'
import { giveVoice } from './voice.mjs'

const pictures = resolve(import.meta.dirname, '../test-results/screens')
const sizes = [
  { width: 360, height: 740 },
  { width: 1280, height: 800 },
]

/** A Parley, its partner, and a learner's browser with a voice. */
export class Rehearsal {
  parley
  partner
  context
  #browser

  static async begin(settings = {}) {
    const rehearsal = new Rehearsal()
    const key = 'the key of a partner in rehearsal'
    const port = await freePort()
    rehearsal.partner = await Partner.start({ key, origin: `http://127.0.0.1:${port}` })
    rehearsal.parley = await Parley.start({
      addr: `127.0.0.1:${port}`,
      settings: {
        OPENAI_API_KEY: key,
        PARLEY_REALTIME_URL: rehearsal.partner.url,
        PARLEY_REALTIME_DIALECT: 'partner',
        PARLEY_LIMIT_TOKENS: '0',
        ...settings,
      },
    })
    rehearsal.#browser = await launch()
    rehearsal.context = await rehearsal.#browser.newContext()
    await giveVoice(rehearsal.context)
    await rehearsal.context.addInitScript(patient)
    const learner = await Learner.sitDown(rehearsal.context)
    await learner.setUp(rehearsal.parley.setUpLink)
    await learner.page.close()
    return rehearsal
  }

  /** A learner before the café, while the partner plays these troubles. */
  async scene(faults) {
    await this.partner.rehearse(faults)
    const learner = await Learner.sitDown(this.context)
    learner.page.setDefaultTimeout(60_000)
    await learner.page.goto(this.parley.url)
    await learner.chooseTopic()
    return learner
  }

  async end() {
    await this.#browser?.close()
    await this.parley?.stop()
    await this.partner?.stop()
  }
}

// A machine that is busy stutters; the tutor is to wait that out. Runs in the page.
function patient() {
  localStorage.getItem('parley.manner') ?? localStorage.setItem('parley.manner', '{"patience":"high"}')
}

/** The turns of a session, as "call speaker status text". */
export function turnsOf({ segments }) {
  return segments.map(({ call, speaker, status, text }) => `${call} ${speaker} ${status} ${text ?? ''}`.trim())
}

/**
 * How long the tutor let her wait in each answer to a turn of hers, as measured
 * by the page, in ms. The transcript's times of the same bound each from above.
 */
export function waits({ segments }, events) {
  const measured = events.filter(({ type }) => type === 'parley.response_measured.v1')
  const answers = segments.filter(({ speaker }) => speaker === 'tutor')
  assert.equal(measured.length, answers.length, 'each answer of the tutor is measured once')
  return answers.slice(1).map((answer, place) => {
    const { after_ms } = measured[place + 1].data
    const spoke = segments[segments.indexOf(answer) - 1]
    const most = answer.started_ms - spoke.ended_ms + rounding
    assert.ok(after_ms <= most, `${after_ms} ms after a turn whose answer began within ${most}`)
    return after_ms
  })
}

/** How far a moment may be from where it was told, in ms: messages have their ways, and the partner's steps are 20 ms. */
export const rounding = 100

/** Takes a picture in each size and light, for people to look at; nothing may be wider than its screen. */
export async function look(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    for (const size of sizes) {
      await page.setViewportSize(size)
      await page.screenshot({ path: join(pictures, `${colorScheme}-${size.width}-${name}.png`) })
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      assert.ok(wide <= size.width, `${name} is ${wide} px wide on ${size.width}`)
    }
  }
}
