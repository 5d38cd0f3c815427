// Speakers that say tones in place of words: what sounds where in a recording
// is known by its pitch, whoever says when it was.
import { toneOf } from './speech.mjs'
import { utter } from './voice.mjs'

/** How long the learner's tones last, in s: long enough for any of the café's lines. */
const lasting = 2.5

/** The learner says a tone in place of a line; answers when it is said. */
export function sayTone(page, pitch) {
  return utter(page, toneOf(pitch, lasting).toString('base64'))
}

/**
 * Lets the tutor say tones of these pitches in the pages of a context, one in
 * place of each line. Only what the packets hold is another: they come, wait
 * and are played as they do.
 */
export function retune(context, pitches) {
  return context.addInitScript(retuned, pitches)
}

// Runs in the page, before anything of it.
function retuned(pitches) {
  /** A packet of the partner's without sound is no longer. */
  const silent = 3
  /** So many of them part two lines. */
  const pause = 10
  const tones = Promise.all(pitches.map(encoded))
  let line = -1
  let [quiet, said] = [pause, 0]

  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config) {
      super({ ...config, encodedInsertableStreams: true })
      this.addEventListener('track', ({ receiver }) => {
        const { readable, writable } = receiver.createEncodedStreams()
        void readable.pipeThrough(new TransformStream({ transform: another })).pipeTo(writable)
      })
    }

    addTrack(...given) {
      const sender = super.addTrack(...given)
      const { readable, writable } = sender.createEncodedStreams()
      void readable.pipeTo(writable)
      return sender
    }
  }

  async function another(frame, controller) {
    if (frame.data.byteLength <= silent) quiet++
    else {
      if (quiet >= pause) [line, said] = [line + 1, 0]
      quiet = 0
      const packets = (await tones)[line]
      frame.data = packets[said++ % packets.length].slice().buffer
    }
    controller.enqueue(frame)
  }

  /** A tone as Opus, a packet of 20 ms each. */
  async function encoded(pitch) {
    const [rate, seconds] = [48_000, 10]
    const packets = []
    const encoder = new AudioEncoder({
      output(chunk) {
        const packet = new Uint8Array(chunk.byteLength)
        chunk.copyTo(packet)
        packets.push(packet)
      },
      error(cause) {
        throw cause
      },
    })
    encoder.configure({ codec: 'opus', sampleRate: rate, numberOfChannels: 1, bitrate: 48_000 })
    const data = Float32Array.from({ length: rate * seconds }, (_, n) => 0.3 * Math.sin((2 * Math.PI * pitch * n) / rate))
    encoder.encode(
      new AudioData({
        format: 'f32-planar',
        sampleRate: rate,
        numberOfFrames: data.length,
        numberOfChannels: 1,
        timestamp: 0,
        data,
      }),
    )
    await encoder.flush()
    return packets
  }
}
