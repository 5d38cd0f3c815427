// A learner's voice that speaks when the test says so. The browser's own fake
// microphone plays a file at its own pace, which a slow machine outruns; this
// one is a source in the page, and everything behind it is real.
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const lines = resolve(import.meta.dirname, '../../http/realtime/partner/testdata/learner')

/** Gives each page of a context a voice in place of a microphone. */
export function giveVoice(context) {
  return context.addInitScript(voice)
}

/** One of the learner's prepared lines, in base64. */
export function lineOf(name) {
  return readFile(join(lines, `${name}.ogg`), 'base64')
}

/** Says such a line; answers when it is said. */
export async function say(page, line) {
  await utter(page, await lineOf(line))
}

/** Lets a sound of any form be heard, in base64; answers when it is over. */
export function utter(page, sound) {
  return page.evaluate((sound) => globalThis.voice.say(sound), sound)
}

/** Begins to say a line and does not wait. */
export async function beginToSay(page, line) {
  await page.evaluate((ogg) => void globalThis.voice.say(ogg), await lineOf(line))
}

/** Pulls the microphone out. */
export function unplug(page) {
  return page.evaluate(() => globalThis.voice.unplug())
}

/** Plugs one in. */
export function plug(page) {
  return page.evaluate(() => void navigator.mediaDevices.dispatchEvent(new Event('devicechange')))
}

/** Lets the microphone be in use by another program, or not. */
export function occupy(page, on) {
  return page.evaluate((on) => (globalThis.voice.busy = on), on)
}

/** Lets the microphone give nothing at all, as one that is switched off; or the noise of a room again. */
export function hush(page, on) {
  return page.evaluate((on) => globalThis.voice.hush(on), on)
}

// Runs in the page, before anything of it.
function voice() {
  let sound, mouth, tracks, room
  let hushed = false
  globalThis.voice = {
    busy: false,
    async say(ogg) {
      // A sound that was made long after the click sleeps until it is asked for.
      await sound.resume()
      const bytes = Uint8Array.from(atob(ogg), (char) => char.charCodeAt(0))
      const source = new AudioBufferSourceNode(sound, { buffer: await sound.decodeAudioData(bytes.buffer) })
      source.connect(mouth)
      await new Promise((said) => {
        source.addEventListener('ended', said)
        source.start()
      })
    },
    hush(on) {
      hushed = on
      if (room) room.gain.value = on ? 0 : 1
    },
    unplug() {
      for (const track of tracks) {
        track.stop()
        track.dispatchEvent(new Event('ended'))
      }
    },
  }
  // No room is without any sound: noise at some -85 dBFS. A microphone that is hushed
  // gives its silence too; a provider's clock counts what it is sent.
  function stir() {
    const noise = sound.createBuffer(1, sound.sampleRate, sound.sampleRate)
    const samples = noise.getChannelData(0)
    for (let n = 0; n < samples.length; n++) samples[n] = (Math.random() - 0.5) * 2e-4
    const gain = new GainNode(sound)
    const source = new AudioBufferSourceNode(sound, { buffer: noise, loop: true })
    source.connect(gain)
    source.start()
    return gain
  }
  navigator.mediaDevices.getUserMedia = async () => {
    if (globalThis.voice.busy) throw new DOMException('', 'NotReadableError')
    sound ??= new AudioContext()
    mouth = sound.createMediaStreamDestination()
    room ??= stir()
    room.connect(mouth)
    globalThis.voice.hush(hushed)
    tracks = mouth.stream.getAudioTracks()
    return mouth.stream
  }
}
