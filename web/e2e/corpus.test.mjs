// Recordings of many makers, sent through the running program, judged by a
// browser that plays what came of them.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { launch } from './chromium.mjs'
import { Learner } from './learner.mjs'
import { eventually, Parley } from './parley.mjs'

const folder = resolve(import.meta.dirname, '../../projections/recording/testdata')
const exhibits = JSON.parse(await readFile(`${folder}/corpus/corpus.json`, 'utf8'))
/** How far a place in the sound may be from where one wanted to be, in ms. */
const bound = 100

let parley, browser, learner, topic

before(async () => {
  parley = await Parley.start()
  browser = await launch('--autoplay-policy=no-user-gesture-required')
  learner = await Learner.sitDown(await browser.newContext())
  await learner.setUp(parley.setUpLink)
  topic = (await (await learner.get('/api/topics')).json()).topics[0].id
})

after(async () => {
  await browser?.close()
  await parley?.stop()
})

test('a recording of any maker plays, has a length and can be entered anywhere', { timeout: 180_000 }, async (t) => {
  for (const { name, duration_ms, channels } of exhibits.filter(({ reason }) => !reason))
    await t.test(name, async () => {
      const session = await send(await readFile(`${folder}/corpus/${name}.webm`), duration_ms)
      const told = await settled(session)
      assert.deepEqual([told.status, told.reason], ['saved', undefined])
      const heard = await learner.page.evaluate(judge, `/api/sessions/${session}/audio`)
      assert.equal(heard.channels, channels)
      for (const told of [heard.duration, heard.decoded]) near(told, duration_ms)
      for (const { wanted, stood, ended } of heard.entered) {
        near(stood, wanted)
        near(ended, duration_ms)
      }
    })
})

test('what this very browser records plays, also with a slice missing', { timeout: 120_000 }, async (t) => {
  for (const [name, channels, missing] of [
    ['mono', 1],
    ['stereo', 2],
    ['stereo without its third slice', 2, 2],
  ])
    await t.test(name, async () => {
      const { slices, duration_ms } = await learner.page.evaluate(record, channels)
      const file = Buffer.concat(slices.filter((_, n) => n !== missing).map((slice) => Buffer.from(slice, 'base64')))
      const session = await send(file, Math.round(duration_ms))
      const { status, audio } = await settled(session)
      assert.equal(status, 'saved')
      const notes = await repaired(session)
      if (missing === undefined) assert.deepEqual(notes, [])
      else assert.ok(notes.includes('gaps') && notes.includes('missing_ms'), `repaired: ${notes}`)
      const heard = await learner.page.evaluate(judge, `/api/sessions/${session}/audio`)
      assert.equal(heard.channels, channels)
      near(heard.duration, audio.duration_ms)
      for (const { wanted, stood, ended } of heard.entered) {
        near(stood, wanted)
        near(ended, audio.duration_ms)
      }
    })
})

test('what is no recording of a conversation is refused with its reason', { timeout: 60_000 }, async (t) => {
  for (const { name, reason } of exhibits.filter(({ reason }) => reason))
    await t.test(name, async () => {
      const { status, reason: told } = await settled(await send(await readFile(`${folder}/corpus/${name}.webm`), 2_500))
      assert.deepEqual([status, told], ['needs_attention', reason])
    })
})

test('a wounded recording plays as far as its packets go', { timeout: 60_000 }, async (t) => {
  const whole = await readFile(`${folder}/chromium-156-stereo-5s.webm`)
  const clusters = marks(whole)
  const wounds = {
    'cut in the middle of a cluster': [
      whole.subarray(0, Math.round(whole.length * 0.7)),
      'dropped_bytes',
      'A piece of the recording could not be used.',
    ],
    'without a cluster in its middle': [
      Buffer.concat([whole.subarray(0, clusters[1]), whole.subarray(clusters[2] ?? whole.length)]),
      'gaps',
      'The recording has a gap of',
    ],
  }
  for (const [name, [file, note, words]] of Object.entries(wounds))
    await t.test(name, async () => {
      const session = await send(file, 5_000)
      const { status, audio } = await settled(session)
      assert.equal(status, 'saved')
      const notes = await repaired(session)
      assert.ok(notes.includes(note), `repaired: ${notes}`)
      await learner.page.goto(new URL(`#/sessions/${session}`, parley.url).href)
      await learner.page.getByRole('region', { name: 'Recording' }).getByText(words).waitFor()
      const heard = await learner.page.evaluate(judge, `/api/sessions/${session}/audio`)
      near(heard.duration, audio.duration_ms)
      for (const { wanted, stood, ended } of heard.entered) {
        near(stood, wanted)
        near(ended, audio.duration_ms)
      }
    })
})

function near(ms, wanted) {
  assert.ok(Math.abs(ms - wanted) <= bound, `${ms} ms instead of ${wanted} ms`)
}

/** Where clusters begin. */
function marks(file) {
  const found = []
  for (let at = file.indexOf('1f43b675', 'hex'); at >= 0; at = file.indexOf('1f43b675', at + 1, 'hex')) found.push(at)
  return found
}

/** Sends a recording as a page does; answers with its session. */
async function send(file, duration_ms) {
  const { id } = await ask('POST', '/api/sessions', { topic_id: topic })
  await ask('POST', `/api/sessions/${id}/end`, { reason: 'learner', recording_expected: true, last_n: 0 })
  const sha256 = createHash('sha256').update(file).digest('hex')
  const announced = { size: file.length, sha256, content_type: 'audio/webm;codecs=opus', duration_ms }
  const { upload_id, parts } = await ask('POST', `/api/sessions/${id}/upload`, announced)
  const { method, url, headers } = parts[0]
  const put = await learner.page.request.fetch(new URL(url, parley.url).href, { method, headers, data: file })
  assert.ok(put.ok(), `${put.status()} ${await put.text()}`)
  await ask('POST', `/api/sessions/${id}/upload/${upload_id}/complete`)
  return id
}

async function ask(method, path, data) {
  const answer = await learner.page.request.fetch(new URL(path, parley.url).href, { method, data })
  assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`)
  return answer.json()
}

/** The names of what the log says was repaired. */
async function repaired(session) {
  const events = await parley.replay(session)
  const { data } = events.find(({ type }) => type.includes('audio_finalized'))
  return (data.repaired ?? []).map((note) => note.split('=')[0])
}

/** The session when the finalizer has decided. */
async function settled(session) {
  let told
  await eventually(`session ${session} is decided`, async () => {
    told = await learner.told(session)
    return ['saved', 'needs_attention'].includes(told.status)
  })
  return told
}

// Runs in the page: two seconds of a tone, in slices of 250 ms, in base64.
async function record(channels) {
  const sound = new AudioContext()
  const tone = new OscillatorNode(sound)
  const mix = new MediaStreamAudioDestinationNode(sound, { channelCount: channels })
  tone.connect(mix)
  tone.start()
  const recorder = new MediaRecorder(mix.stream, { mimeType: 'audio/webm;codecs=opus' })
  const slices = []
  const began = performance.now()
  const enough = new Promise((resolve) => {
    recorder.addEventListener('dataavailable', ({ data }) => {
      slices.push(data)
      if (slices.length === 8) resolve()
    })
  })
  recorder.start(250)
  await enough
  const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve, { once: true }))
  recorder.stop()
  await stopped
  const duration_ms = performance.now() - began
  await sound.close()
  const texts = slices.map(async (slice) => new Uint8Array(await slice.arrayBuffer()).toBase64())
  return { slices: await Promise.all(texts), duration_ms }
}

// Runs in the page. Times are in ms.
async function judge(url) {
  const audio = new Audio(url)
  await heard(audio, 'loadedmetadata')
  const duration = audio.duration * 1000
  const entered = []
  for (const share of [0.9, 0.1, 0.6]) {
    audio.currentTime = share * audio.duration
    await heard(audio, 'seeked')
    const stood = audio.currentTime * 1000
    audio.playbackRate = 4
    void audio.play()
    await heard(audio, 'ended')
    entered.push({ wanted: share * duration, stood, ended: audio.currentTime * 1000 })
  }
  const bytes = await (await fetch(url)).arrayBuffer()
  const sound = await new OfflineAudioContext(2, 1, 48_000).decodeAudioData(bytes)
  return { duration, entered, decoded: sound.duration * 1000, channels: sound.numberOfChannels }

  function heard(audio, name) {
    return new Promise((resolve, reject) => {
      audio.addEventListener(name, resolve, { once: true })
      audio.addEventListener('error', () => reject(new Error(audio.error.message)), { once: true })
    })
  }
}
