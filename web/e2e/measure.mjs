// What the page costs in a real browser, for `make bench`: one JSON object a line.
//
//   page_connected   ms from the click on Start to a call that stands; baseline: the same
//                    browser and partner without Parley, a token's minting included
//   page_response    ms from the end of a learner's line to the first sound of the tutor's answer;
//                    baseline: the same line in that call without Parley. What the partner takes
//                    for itself is in both: 1.2 s of silence for the end of a turn, 240 ms to think
//   page_slice_p50   ms that a recorded second takes of the main thread
//   page_slice_p99
//   page_saved       ms from "End & save" to saved after a talk of seconds, the wait for
//                    texts under way included
//   page_saved_10min ms from "Finish saving" to saved of a recording of ten minutes in 600
//                    slices: the same way, without that wait
import { Learner } from './learner.mjs'
import { leave, longRecording } from './left.mjs'
import { Rehearsal } from './rehearsal.mjs'
import { lineOf } from './voice.mjs'

const rounds = 7
/** A talk's length in slices. */
const slices = 10

/** How the page asks for turns to be told apart, and what is talked about. */
const session = {
  type: 'realtime',
  prompt: { id: 'cafe' },
  audio: { input: { turn_detection: { type: 'semantic_vad', eagerness: 'low' } } },
}

const rehearsal = await Rehearsal.begin()
await rehearsal.context.addInitScript(weighSlices)
await rehearsal.context.addInitScript(overhearCalls)
const line = await lineOf('cafe-1-a')
const tenMinutes = { seconds: 600, slices: 600 }
const long = await longRecording(tenMinutes.seconds)
const rows = { connected: [], bare: [], answered: [], answeredBare: [], saved: [], slices: [], savedLong: [] }
try {
  for (let round = 0; round < rounds; round++) {
    await take(rows)
    rows.savedLong.push(await finish())
  }
} finally {
  await rehearsal.end()
}
tell('page_connected', quantile(rows.connected, 0.5), quantile(rows.bare, 0.5))
tell('page_response', quantile(rows.answered, 0.5), quantile(rows.answeredBare, 0.5))
tell('page_slice_p50', quantile(rows.slices, 0.5))
tell('page_slice_p99', quantile(rows.slices, 0.99))
tell('page_saved', quantile(rows.saved, 0.5))
tell('page_saved_10min', quantile(rows.savedLong, 0.5))

async function take({ connected, bare, answered, answeredBare, saved, slices: costs }) {
  const learner = await rehearsal.scene({})
  const without = await bareCall(learner.page)
  bare.push(without.connected)
  answeredBare.push(without.answered)
  await learner.start()
  await learner.sees('Listening')
  answered.push(await learner.page.evaluate((line) => globalThis.answerTo(line), line))
  await learner.page.waitForFunction((many) => globalThis.sliceCosts.length >= many, slices, { timeout: 60_000 })
  const asked = performance.now()
  await learner.endAndSave()
  saved.push(performance.now() - asked)
  costs.push(...(await learner.page.evaluate(() => globalThis.sliceCosts)))
  const events = await rehearsal.parley.replay(await learner.review())
  connected.push(events.find(({ type }) => type.includes('call_connected')).data.since_click_ms)
  await learner.page.close()
}

/** Saves ten minutes that a page has left behind; answers with its ms. */
async function finish() {
  const learner = await Learner.sitDown(rehearsal.context)
  const { page } = learner
  await page.goto(rehearsal.parley.url)
  await learner.topics()
  const session = await leave(page, long, tenMinutes)
  await page.reload()
  const asks = page.getByRole('button', { name: 'Finish saving' })
  await asks.waitFor()
  const asked = performance.now()
  await asks.click()
  await page.getByText('is saved.').waitFor()
  const took = performance.now() - asked
  const { audio } = await learner.told(session)
  if (Math.abs(audio.duration_ms - 600_000) > 1_000) throw new Error(`${audio.duration_ms} ms were saved`)
  await page.close()
  return took
}

/** A call of the same browser with the same partner and nothing of ours, and a line in it; answers with the ms of each. */
async function bareCall(page) {
  const asked = performance.now()
  const token = await rehearsal.partner.mint(session)
  const minted = performance.now() - asked
  const { took, answered } = await page.evaluate(call, { url: `${rehearsal.partner.url}/realtime/calls`, token, line })
  return { connected: minted + took, answered }
}

// Runs in the page.
async function call({ url, token, line }) {
  const voice = await navigator.mediaDevices.getUserMedia({ audio: true })
  const begun = performance.now()
  const peer = new RTCPeerConnection()
  for (const track of voice.getTracks()) peer.addTrack(track)
  const channel = peer.createDataChannel('oai-events')
  const up = new Promise((resolve) => {
    peer.onconnectionstatechange = () => peer.connectionState === 'connected' && resolve()
    channel.onmessage = resolve
  })
  await peer.setLocalDescription(await peer.createOffer())
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/sdp' }
  const answer = await fetch(url, { method: 'POST', headers, body: peer.localDescription.sdp, credentials: 'omit' })
  await peer.setRemoteDescription({ type: 'answer', sdp: await answer.text() })
  await up
  const took = performance.now() - begun
  const answered = await globalThis.answerTo(line)
  peer.close()
  return { took, answered }
}

// Runs in the page, before anything of it: hears what comes of each call, whoever made it.
function overhearCalls() {
  /** From here on there is sound, in dBFS; looked for every few ms in the last ten. */
  const [floor, pace] = [-45, 4]
  let meter
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given)
      this.addEventListener('track', ({ streams }) => hear(streams[0]))
    }
  }
  // A stream gives no sound to a context unless an element plays it.
  function hear(stream) {
    const player = new Audio()
    player.muted = true
    player.srcObject = stream
    void player.play()
    const context = new AudioContext()
    meter = new AnalyserNode(context, { fftSize: 512 })
    context.createMediaStreamSource(stream).connect(meter)
  }
  globalThis.answerTo = async (line) => {
    await globalThis.voice.say(line)
    const said = performance.now()
    const samples = new Float32Array(512)
    for (let power = 0; 10 * Math.log10(power + 1e-12) < floor;) {
      await new Promise((passed) => setTimeout(passed, pace))
      meter.getFloatTimeDomainData(samples)
      power = samples.reduce((sum, sample) => sum + sample ** 2, 0) / samples.length
    }
    return performance.now() - said
  }
}

// Runs in the page, before anything of it: weighs the recorder's handler and the write that
// follows it, which are all that a slice asks of the main thread.
function weighSlices() {
  const costs = (globalThis.sliceCosts = [])
  const weighed = (work) =>
    function (...given) {
      const begun = performance.now()
      try {
        return work.apply(this, given)
      } finally {
        costs[costs.length - 1] += performance.now() - begun
      }
    }
  const { set } = Object.getOwnPropertyDescriptor(MediaRecorder.prototype, 'ondataavailable')
  Object.defineProperty(MediaRecorder.prototype, 'ondataavailable', {
    set(handler) {
      const taken = weighed(handler)
      set.call(this, (event) => {
        costs.push(0)
        taken(event)
      })
    },
  })
  IDBObjectStore.prototype.add = addsOf(IDBObjectStore.prototype.add)
  function addsOf(add) {
    const kept = weighed(add)
    return function (...given) {
      return this.name === 'slices' ? kept.apply(this, given) : add.apply(this, given)
    }
  }
}

function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

function tell(name, value, baseline) {
  console.log(JSON.stringify({ name, value, unit: 'ms', baseline }))
}
