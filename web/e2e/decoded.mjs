// The recording, decoded sample by sample: each packet in its place, however
// long the gap before it. Times are in ms, sides 0 (left) and 1 (right).

/** From here on there is sound, in dBFS. */
const floor = -45

/** Decodes the recording of the review page. */
export async function decoded(page) {
  return new Recording(await page.locator('audio').evaluateHandle(decode))
}

class Recording {
  #sides

  constructor(sides) {
    this.#sides = sides
  }

  /** Where a tone of a pitch begins on a side; undefined when it is not there. */
  async tone(side, pitch) {
    return (await this.span(side, pitch))?.[0]
  }

  /** From where to where it lasts there; undefined when it is not there. */
  span(side, pitch) {
    return this.#sides.evaluate(spanOf, { side, pitch, floor })
  }

  /** Where a side becomes loud after at least 300 ms of silence. */
  rises(side) {
    return this.#sides.evaluate(risesOf, { side, floor })
  }
}

// Runs in the page. Of the container it reads what the finalizer writes: known
// sizes, and one packet a block.
async function decode(audio) {
  const rate = 48_000
  const file = new DataView(await (await fetch(audio.src)).arrayBuffer())
  const sides = [0, 1].map(() => new Float32Array(Math.ceil(audio.duration + 1) * rate))
  const times = []
  let trouble
  const decoder = new AudioDecoder({ output: place, error: (cause) => (trouble = cause) })
  decoder.configure({ codec: 'opus', sampleRate: rate, numberOfChannels: 2 })
  for (const { ms, packet } of packets(0, file.byteLength, { ms: 0 })) {
    times.push(ms)
    decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp: ms * 1000, data: packet }))
  }
  await decoder.flush()
  if (trouble) throw trouble
  globalThis.rate = rate
  return sides

  function place(sound) {
    // Its own time knows of no gap: one packet comes out for each that went in.
    const at = (times.shift() / 1000) * rate
    for (const [planeIndex, side] of sides.entries()) {
      const samples = new Float32Array(sound.numberOfFrames)
      sound.copyTo(samples, { planeIndex, format: 'f32-planar' })
      side.set(samples.subarray(0, Math.max(0, side.length - at)), at)
    }
    sound.close()
  }

  function* packets(at, end, cluster) {
    while (at < end) {
      const id = number(at, true)
      const size = number(at + id.length, false)
      const body = at + id.length + size.length
      at = body + size.value
      // Segment, Cluster, BlockGroup
      if ([0x18538067, 0x1f43b675, 0xa0].includes(id.value)) yield* packets(body, at, cluster)
      // Timestamp of a cluster
      else if (id.value === 0xe7) cluster.ms = unsigned(body, size.value)
      // SimpleBlock, Block: track, relative time, flags
      else if (id.value === 0xa3 || id.value === 0xa1)
        yield { ms: cluster.ms + file.getInt16(body + 1), packet: new Uint8Array(file.buffer, body + 4, size.value - 4) }
    }
  }

  // The first bit that is set tells the length; it counts in an id and not in a size.
  function number(at, marked) {
    const first = file.getUint8(at)
    const length = Math.clz32(first) - 23
    const top = marked ? first : first - 2 ** (8 - length)
    return { length, value: top * 256 ** (length - 1) + unsigned(at + 1, length - 1) }
  }

  function unsigned(at, length) {
    let value = 0
    for (let n = 0; n < length; n++) value = value * 256 + file.getUint8(at + n)
    return value
  }
}

// Runs in the page: windows of 20 ms, every 5.
function spanOf(sides, { side, pitch, floor }) {
  const { rate } = globalThis
  let found
  const samples = sides[side]
  const span = rate / 50
  for (let from = 0; from + span < samples.length; from += span / 4) {
    const part = samples.subarray(from, from + span)
    const power = part.reduce((sum, sample) => sum + sample ** 2, 0) / span
    if (10 * Math.log10(power) <= floor || tonal(part) <= 0.8 * power) continue
    found = [found?.[0] ?? (from / rate) * 1000, ((from + span) / rate) * 1000]
  }
  return found

  // The power at one pitch.
  function tonal(part) {
    let real = 0
    let imaginary = 0
    for (const [n, sample] of part.entries()) {
      real += sample * Math.cos((2 * Math.PI * pitch * n) / rate)
      imaginary += sample * Math.sin((2 * Math.PI * pitch * n) / rate)
    }
    return (2 * (real ** 2 + imaginary ** 2)) / part.length ** 2
  }
}

// Runs in the page: windows of 10 ms.
function risesOf(sides, { side, floor }) {
  const { rate } = globalThis
  const span = rate / 100
  const rises = []
  let quiet = 300
  for (let from = 0; from < sides[side].length; from += span) {
    const part = sides[side].subarray(from, from + span)
    const power = part.reduce((sum, sample) => sum + sample ** 2, 0) / span
    const loud = 10 * Math.log10(power + 1e-12) > floor
    if (loud && quiet >= 300) rises.push((from / rate) * 1000)
    quiet = loud ? 0 : quiet + 10
  }
  return rises
}
