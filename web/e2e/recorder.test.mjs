// A device that dies, is full, or hears nothing in the middle of a conversation.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { launchOn } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { eventually, Parley } from './parley.mjs'
import { look } from './rehearsal.mjs'
import { cafe } from './speech.mjs'
import { giveVoice, hush, say, unplug } from './voice.mjs'

const run = promisify(execFile)

let parley, folder

before(async () => {
  parley = await Parley.start()
  folder = await mkdtemp(join(tmpdir(), 'parley-device-'))
})

after(async () => {
  await parley?.stop()
  await rm(folder, { recursive: true })
})

/** A learner at a browser whose store lies in this folder. */
async function at(profile) {
  const context = await launchOn(profile)
  await giveVoice(context)
  return Learner.sitDown(context)
}

let known = false

/** Makes the first account, and signs in after that, where the browser does not remember. */
async function enter(learner) {
  if (!known) {
    known = true
    return learner.setUp(parley.setUpLink)
  }
  await learner.page.goto(parley.url)
  const signIn = learner.page.getByRole('heading', { name: 'Sign in' })
  const topics = learner.page.getByRole('heading', { name: 'What shall we talk about?' })
  await signIn.or(topics).first().waitFor()
  if (await signIn.isVisible()) await learner.signIn()
}

async function talk(learner) {
  await learner.chooseTopic()
  await learner.start()
  await say(learner.page, 'cafe-1-a')
  await learner.page.getByText(/^[3-9] s kept on this device/).waitFor()
}

/** Ends a browser as the kernel would. Its processes are those that name its folder. */
async function kill(profile) {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const said = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (said.includes(`--user-data-dir=${profile}`)) process.kill(Number(pid), 'SIGKILL')
  }
}

test('a browser that was killed gives the conversation back', { timeout: 240_000 }, async () => {
  const profile = join(folder, 'killed')
  const learner = await at(profile)
  await enter(learner)
  await talk(learner)
  const closed = learner.page.context().waitForEvent('close')
  await kill(profile)
  await closed

  const next = await at(profile)
  await enter(next)
  const kept = next.page.getByRole('region', { name: 'Kept on this device' })
  await kept.getByText(cafe.topic).waitFor()
  await kept.getByRole('button', { name: 'Listen' }).click()
  const heard = await kept.locator('audio').evaluate(async (audio) => {
    if (!(audio.currentTime > 0)) await new Promise((on) => audio.addEventListener('timeupdate', on))
    return audio.error === null
  })
  assert.ok(heard)
  await look(next.page, 'kept')
  await kept.getByRole('button', { name: 'Finish saving' }).click()
  await kept.waitFor({ state: 'detached' })
  await look(next.page, 'finished')

  await next.page.getByRole('link', { name: 'Go on where it broke off' }).click()
  await next.page.getByRole('button', { name: 'Start talking' }).click()
  // What was said before is there, and the tutor goes on.
  await next.reads(cafe.heard[0])
  await next.page.getByText(/s kept on this device/).waitFor()
  await next.endAndSave()
  await next.page.context().close()
})

/** A file system of 90 MB; where none can be mounted, the quota of the browser's own store stands for it. */
async function small(t) {
  const at = join(folder, 'small')
  await run('mkdir', [at])
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=90m', 'tmpfs', at])
  } catch (cause) {
    t.diagnostic(`no file system could be mounted (${cause.stderr}): the browser's quota stands for it`)
    return { at, fill: (page) => quota(page, 1), empty: (page) => quota(page) }
  }
  t.after(() => run('umount', ['-l', at]))
  const filler = join(at, 'filler')
  return { at, fill: () => fill(at, filler), empty: () => rm(filler) }
}

async function quota(page, quotaSize) {
  const line = await page.context().newCDPSession(page)
  await line.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize })
}

async function fill(at, filler) {
  const { bavail, bsize } = await statfs(at)
  await writeFile(filler, Buffer.alloc(bavail * bsize)).catch((cause) => assert.equal(cause.code, 'ENOSPC'))
}

/** How long anybody may be left in the dark, in ms. */
const soon = 2_000

/** Lets something go wrong; answers with its notice, which has to be there in time: what the machine stands still does not count. */
async function toldSoon(page, words, goWrong) {
  const shown = page.evaluate(untilShown, words)
  await goWrong()
  const wrong = await page.evaluate(() => {
    globalThis.still = 0
    return Date.now()
  })
  const { at, still } = await shown
  const took = at - wrong - still
  assert.ok(took <= soon, `“${words}” came after ${took} ms, and ${still} ms in which nothing ran`)
  return page.getByRole('alert').filter({ hasText: words })
}

// Runs in the page: when these words are shown, and how long nothing ran until then, in ms. No timer is as late by itself.
function untilShown(words) {
  const [pulse, late] = [50, 100]
  let felt = Date.now()
  globalThis.still = 0
  const feel = () => {
    const now = Date.now()
    globalThis.still += Math.max(0, now - felt - late)
    felt = now
  }
  const pulses = setInterval(feel, pulse)
  return new Promise((resolve) => {
    const look = () => {
      const alerts = [...document.querySelectorAll('[role=alert]')]
      if (!alerts.some(({ textContent }) => textContent.includes(words))) return
      watch.disconnect()
      clearInterval(pulses)
      feel()
      resolve({ at: Date.now(), still: globalThis.still })
    }
    const watch = new MutationObserver(look)
    watch.observe(document, { subtree: true, childList: true, characterData: true })
    look()
  })
}

// Runs in the page, before anything of it: lets a test stop all sound, as a system does for a phone call.
function takeSound() {
  const { resume } = AudioContext.prototype
  const all = []
  globalThis.AudioContext = class extends AudioContext {
    constructor(...how) {
      super(...how)
      all.push(this)
    }
  }
  globalThis.phone = {
    ring: () => {
      AudioContext.prototype.resume = () => Promise.reject(new DOMException('', 'NotAllowedError'))
      return Promise.all(all.map((sound) => sound.suspend()))
    },
    hangUp: () => (AudioContext.prototype.resume = resume),
  }
}

// Runs in the page: nothing more can be written.
function refuseSlices() {
  const { add } = IDBObjectStore.prototype
  IDBObjectStore.prototype.add = function (...what) {
    if (this.name === 'slices') throw new DOMException('', 'DataError')
    return add.apply(this, what)
  }
}

test('whatever goes wrong with the sound is told within two seconds', { timeout: 240_000 }, async (t) => {
  const learner = await at(join(folder, 'troubles'))
  const { page } = learner
  await page.addInitScript(takeSound)
  await enter(learner)
  await page.reload()
  await talk(learner)

  await t.test('a microphone that is switched off after words, and on again', async () => {
    const notice = await toldSoon(page, 'gives no sound at all', () => hush(page, true))
    await look(page, 'silent')
    await hush(page, false)
    await notice.waitFor({ state: 'detached' })
  })

  await t.test('a microphone that is gone', async () => {
    const notice = await toldSoon(page, 'The microphone is gone', () => unplug(page))
    await notice.getByRole('button', { name: 'Use another microphone' }).click()
    await notice.waitFor({ state: 'detached' })
  })

  await t.test('sound that the browser has stopped, and lets go on at a click', async () => {
    const notice = await toldSoon(page, 'The browser has stopped the sound', () => page.evaluate(() => phone.ring()))
    await look(page, 'stopped')
    await page.evaluate(() => phone.hangUp())
    await notice.getByRole('button', { name: 'Let the sound go on' }).click()
    await notice.waitFor({ state: 'detached' })
  })

  await t.test('a slice that cannot be written', async () => {
    const notice = await toldSoon(page, 'The recording stopped', () => page.evaluate(refuseSlices))
    await notice.getByRole('button', { name: 'Go on without recording' }).click()
    await notice.waitFor({ state: 'detached' })
  })

  await learner.endAndSave()
  await page.context().close()
})

test('a device that is full tells so, and what it has kept is saved when it has room again', { timeout: 240_000 }, async (t) => {
  const disk = await small(t)
  const learner = await at(join(disk.at, 'profile'))
  await enter(learner)
  const { page } = learner
  await talk(learner)
  const notice = await toldSoon(page, 'The recording stopped', () => disk.fill(page))
  await look(page, 'full')
  await notice.getByRole('button', { name: 'Go on without recording' }).click()
  await notice.waitFor({ state: 'detached' })
  await page.getByText(/^Not recording · \d+ s kept on this device$/).waitFor()
  await disk.empty(page)
  await learner.endAndSave()
  const told = await learner.told(await learner.review())
  assert.ok(told.audio.duration_ms >= 3_000)
  await page.context().close()
})

// Runs in the page, before anything of it. Chromium by itself always tells of plenty of room, whatever there is.
function tellRoom(quota) {
  StorageManager.prototype.estimate = () => Promise.resolve({ usage: 1_000_000, quota: quota + 1_000_000 })
}

test('a device without room for a whole conversation says so before it', { timeout: 120_000 }, async (t) => {
  const hour = (64_000 / 8) * 3_600
  const before = async (room) => {
    const learner = await at(join(folder, `room-${room}`))
    t.after(() => learner.page.context().close())
    await learner.page.addInitScript(tellRoom, room)
    await enter(learner)
    await learner.chooseTopic()
    const told = learner.page.evaluate(() => navigator.storage.estimate().then(({ quota }) => quota))
    assert.equal(await told, room + 1_000_000)
    await learner.page.getByRole('button', { name: 'Start talking' }).waitFor()
    return { page: learner.page, warning: learner.page.getByText('This device has room for') }
  }
  const narrow = await before(hour - 1_000)
  await narrow.warning.getByText('room for 59 min of sound').waitFor()
  await look(narrow.page, 'narrow')
  const wide = await before(hour)
  await wide.page.getByText('Only you can read and hear it').waitFor()
  assert.equal(await wide.warning.count(), 0)
})

test('a microphone that gives no sound is told, and no longer when it does', { timeout: 120_000 }, async () => {
  const learner = await at(join(folder, 'silent'))
  await enter(learner)
  await hush(learner.page, true)
  await learner.chooseTopic()
  await learner.start()
  const notice = learner.page.getByRole('alert').filter({ hasText: 'gives no sound at all' })
  await notice.waitFor()
  await say(learner.page, 'cafe-1-a')
  await notice.waitFor({ state: 'detached' })
  await learner.endAndSave()
  await learner.page.context().close()
})

test('signing out asks while something is kept', { timeout: 120_000 }, async () => {
  const learner = await at(join(folder, 'leaving'))
  await enter(learner)
  await talk(learner)
  await learner.page.reload()
  await learner.openMyData()
  await learner.page.getByRole('region', { name: 'On this device' }).getByText(cafe.topic).waitFor()
  await look(learner.page, 'device')
  await learner.openAccount()
  await learner.page.getByRole('button', { name: 'Sign out', exact: true }).click()
  const asks = learner.page.getByRole('dialog', { name: 'Sign out with something unsaved?' })
  await asks.getByRole('button', { name: 'Cancel' }).click()
  await learner.page.getByRole('navigation').getByRole('link', { name: 'Practise' }).click()
  const kept = learner.page.getByRole('region', { name: 'Kept on this device' })
  await kept.getByRole('button', { name: 'Discard' }).click()
  await learner.page.getByRole('button', { name: 'Discard it' }).click()
  await kept.waitFor({ state: 'detached' })
  await learner.signOut()
  await eventually('nothing is kept', async () =>
    learner.page.evaluate(async () => {
      const database = await new Promise((done) => {
        const opening = indexedDB.open('parley')
        opening.addEventListener('success', () => done(opening.result))
      })
      const counting = database.transaction('slices').objectStore('slices').count()
      await new Promise((done) => counting.addEventListener('success', done))
      return counting.result === 0
    }),
  )
  await learner.page.context().close()
})
