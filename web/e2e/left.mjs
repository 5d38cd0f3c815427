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

/** Leaves a session of the café with this recording behind; the page is signed in. Answers with its id. */
export async function leave(page, bytes) {
  await page.evaluate((size) => (globalThis.left = new Uint8Array(size)), bytes.length)
  const piece = 4 * 1024 * 1024
  for (let at = 0; at < bytes.length; at += piece) {
    const base64 = bytes.subarray(at, at + piece).toString('base64')
    await page.evaluate(take, { at, base64 })
  }
  return page.evaluate(keep)
}

// These run in the page.

function take({ at, base64 }) {
  globalThis.left.set(
    Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)),
    at,
  )
}

async function keep() {
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
    const bytes = globalThis.left.buffer
    writing.objectStore('slices').add({ session: id, n: 0, bytes, endedMs: 5_000, through: bytes.byteLength })
  })
  return id
}
