// What the learner says, as a WAV file for the browser's microphone. Chromium
// decodes the prepared lines, so no other tool is needed.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { launch } from './chromium.mjs'

const partner = resolve(import.meta.dirname, '../../http/realtime/partner')
const learner = (line) => join(partner, 'testdata/learner', `${line}.ogg`)
const tutor = (line) => join(partner, 'voices', `${line}.ogg`)

/** Samples a second. */
const rate = 48_000
/** How long a call may take to come about before the learner begins, in s. */
const connecting = 8
/** How long the learner lets pass after the tutor, in s: silence, thought, and a slow machine. */
const thought = 2.5

/** The café’s first two exchanges: what the learner says, and what the tutor is heard to say. */
export const cafe = {
  topic: 'Ordering in a café',
  said: ['Good morning. I would like a cup of tea, please.', 'I would like a cheese sandwich, please.'],
  heard: [
    'Good morning, and welcome! What can I get you to drink?',
    'Of course. And would you like something to eat with that?',
    'Our apple cake is still warm, and everybody loves it. Would you like to try a piece?',
  ],
}

/** Writes what is said into `file`, in a folder of its own; `remove` takes it away. */
export async function speak(parts) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-speech-'))
  const file = join(folder, 'learner.wav')
  await writeFile(file, wav(parts))
  return { file, remove: () => rm(folder, { recursive: true }) }
}

/** Somebody who says nothing. */
export const nothing = () => [silence(1)]

/**
 * The café's first two lines, each when the tutor has finished, and a word
 * before them to try the microphone out. Times count from its opening.
 */
export async function twoTurns() {
  const [opening, second, first, answer] = await decode(
    tutor('cafe-1-tutor'),
    tutor('cafe-2-tutor'),
    learner('cafe-1-a'),
    learner('cafe-2-b'),
  )
  return [
    silence(1),
    first.subarray(0, 0.4 * rate),
    silence(connecting + opening.length / rate),
    first,
    silence(thought + second.length / rate),
    answer,
    silence(1),
  ]
}

/** The café’s two lines of hers, each as a WAV in base64: a thought, a tone of a pitch of its own, and the words. */
export async function marked(pitches) {
  const lines = await decode(learner('cafe-1-a'), learner('cafe-2-b'))
  return lines.map((line, place) => wav([silence(1.5), tone(pitches[place], 0.4), line]).toString('base64'))
}

/** A tone as a WAV. */
export const toneOf = (pitch, seconds) => wav([tone(pitch, seconds)])

const tone = (pitch, seconds) =>
  Int16Array.from({ length: seconds * rate }, (_, n) => 10_000 * Math.sin((2 * Math.PI * pitch * n) / rate))

/** Nobody speaks: the noise of a room, at some -70 dBFS. */
const silence = (seconds) => Int16Array.from({ length: Math.round(seconds * rate) }, (_, n) => ((n * 7919) % 21) - 10)

/** Ogg Opus files as samples. */
async function decode(...files) {
  const browser = await launch()
  try {
    const page = await browser.newPage()
    const decoded = []
    for (const file of files) {
      const samples = await page.evaluate(samplesOf, { ogg: await readFile(file, 'base64'), rate })
      decoded.push(new Int16Array(new Uint8Array(Buffer.from(samples, 'base64')).buffer))
    }
    return decoded
  } finally {
    await browser.close()
  }
}

// Runs in the page.
async function samplesOf({ ogg, rate }) {
  const bytes = await (await fetch(`data:audio/ogg;base64,${ogg}`)).arrayBuffer()
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes)
  const samples = Int16Array.from(sound.getChannelData(0), (sample) => sample * 32_767)
  const reader = new FileReader()
  const read = new Promise((resolve) => reader.addEventListener('load', resolve))
  reader.readAsDataURL(new Blob([samples]))
  await read
  return reader.result.split(',')[1]
}

/** Mono, 16 bits, little-endian: the plainest WAV there is. */
function wav(parts) {
  const sound = Buffer.concat(parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength)))
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + sound.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * 2, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(sound.length, 40)
  return Buffer.concat([header, sound])
}
