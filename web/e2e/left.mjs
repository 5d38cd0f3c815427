// A session that a browser kept and did not save: made without a talk, so that
// its recording can be as long as a test needs.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'

const recorded = resolve(import.meta.dirname, '../../projections/recording/testdata/chromium-156-stereo-5s.webm')
/** A cluster's id: the sound begins there. */
const cluster = Buffer.from([0x1f, 0x43, 0xb6, 0x75])

/**
 * Five seconds of sound from Chromium's own recorder, which an EBML void
 * element before the sound makes at least `atLeast` bytes long.
 */
export async function recording(atLeast = 0) {
  const sound = await readFile(recorded)
  const begins = sound.indexOf(cluster)
  const empty = Math.max(0, atLeast - sound.length)
  const voided = Buffer.alloc(9 + empty)
  voided[0] = 0xec
  voided[1] = 0x01
  voided.writeUIntBE(empty, 3, 6)
  return Buffer.concat([sound.subarray(0, begins), ...(empty > 0 ? [voided] : []), sound.subarray(begins)])
}

/** The same sound over and over, each time later, for so many seconds. */
export async function longRecording(seconds) {
  const sound = await readFile(recorded)
  const begins = []
  for (let at = sound.indexOf(cluster); at >= 0; at = sound.indexOf(cluster, at + 1)) begins.push(at)
  const parts = [sound.subarray(0, begins[0])]
  for (let later = 0; later < seconds; later += 5)
    for (const [place, at] of begins.entries())
      parts.push(...moved(sound.subarray(at, begins[place + 1]), later * 1_000))
  return Buffer.concat(parts)
}

// A cluster of unknown size begins with its time: id, size, and then the time's own id, length and value.
function moved(bytes, later) {
  const head = cluster.length + 8
  const length = bytes[head + 1] & 0x7f
  const time = Buffer.from([0xe7, 0x84, 0, 0, 0, 0])
  time.writeUInt32BE(bytes.readUIntBE(head + 2, length) + later, 2)
  return [bytes.subarray(0, head), time, bytes.subarray(head + 2 + length)]
}

/**
 * Leaves a session of the café with this recording behind, which has so many seconds, in so many
 * slices; the page is signed in. Answers with its id.
 */
export async function leave(page, bytes, { seconds = 5, slices = 1 } = {}) {
  await page.evaluate((size) => (globalThis.left = new Uint8Array(size)), bytes.length)
  const piece = 4 * 1024 * 1024
  for (let at = 0; at < bytes.length; at += piece) {
    const base64 = bytes.subarray(at, at + piece).toString('base64')
    await page.evaluate(take, { at, base64 })
  }
  return page.evaluate(keep, { seconds, slices })
}

// These run in the page.

function take({ at, base64 }) {
  globalThis.left.set(
    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
    at,
  )
}

async function keep({ seconds, slices }) {
  const ask = async (url, body) => {
    const headers = { 'Content-Type': 'application/json' }
    const request = body ? { method: 'POST', headers, body: JSON.stringify(body) } : {}
    return (await fetch(url, request)).json()
  }
  const { account } = await ask('/api/me')
  const { topics } = await ask('/api/topics')
  const topic = topics.find(({ title }) => title === 'Ordering in a café')
  const { id } = await ask('/api/sessions', { topic_id: topic.id })
  const kept = { id, account: account.id, title: topic.title, topic: topic.id }
  const database = await new Promise((done, fail) => {
    const opening = indexedDB.open('parley')
    opening.addEventListener('success', () => done(opening.result))
    opening.addEventListener('error', () => fail(opening.error))
  })
  await new Promise((done, fail) => {
    const writing = database.transaction(['sessions', 'slices'], 'readwrite')
    writing.addEventListener('complete', done)
    writing.addEventListener('abort', () => fail(writing.error))
    const more = { contentType: 'audio/webm;codecs=opus', ended: 'learner', relayedThrough: 0 }
    writing.objectStore('sessions').add({ ...kept, ...more })
    const each = Math.ceil(globalThis.left.length / slices)
    for (let n = 0; n < slices; n++) {
      const bytes = globalThis.left.slice(n * each, (n + 1) * each).buffer
      const endedMs = (seconds * 1_000 * (n + 1)) / slices
      writing.objectStore('slices').add({ session: id, n, bytes, endedMs, through: n * each + bytes.byteLength })
    }
  })
  return id
}
