import type { Slices } from './slices'

/** Recording formats in the order in which we want them. Safari before 18.4 offers only the second. */
const formats = ['audio/webm;codecs=opus', 'audio/mp4']

/** Of all that is recorded; what the container adds is little. */
export const bitsPerSecond = 64_000
const sliceMs = 1_000

/** The format this browser can record and the server takes; undefined when there is none. */
export function recordingFormat(
  taken: readonly string[],
  supported = (type: string) => MediaRecorder.isTypeSupported(type),
): string | undefined {
  return formats.find((format) => taken.some((type) => format.startsWith(type)) && supported(format))
}

/** What a recorder needs from its surroundings. */
export type RecorderParts = {
  session: string
  slices: Slices
  /** Milliseconds of a clock that never stands still: performance.now. */
  now: () => number
  /** The longest file that the server takes, in bytes. */
  most: number
  /** The recording broke off; what was kept up to here is good. */
  onFailure: (cause: unknown) => void
}

/** Why a recording broke off, beside what the browser itself names. */
export class BrokenOff extends Error {
  override readonly name: 'TrackEnded' | 'TooLong'

  constructor(name: BrokenOff['name']) {
    super()
    this.name = name
  }
}

/**
 * Records a stream into numbered one-second slices, each on disk before the
 * next one. It is never paused: pausing collapses time. Silence is made by
 * disabling the microphone's track.
 */
export class Recorder {
  readonly #recorder: MediaRecorder
  readonly #parts: RecorderParts
  #started = 0
  #count = 0
  #bytes = 0
  #keptMs = 0
  #keptAt = 0
  #stopping = false
  #failed = false
  /** A slice is missing: later ones would leave a hole. */
  #holed = false
  #writing: Promise<void> = Promise.resolve()
  /** The last slice was given out: the browser says so after it, and after its own state has changed. */
  readonly #ended: Promise<void>

  constructor(stream: MediaStream, format: string, parts: RecorderParts) {
    this.#parts = parts
    this.#recorder = new MediaRecorder(stream, { mimeType: format, audioBitsPerSecond: bitsPerSecond })
    this.#recorder.ondataavailable = (event) => {
      this.#take(event.data)
    }
    this.#recorder.onerror = (event) => {
      this.#fail((event as ErrorEvent).error ?? event)
    }
    this.#ended = new Promise((resolve) => {
      this.#recorder.onstop = () => {
        resolve()
        // It stops by itself when what it records has ended.
        if (!this.#stopping) this.#fail(new BrokenOff('TrackEnded'))
      }
    })
  }

  start(): void {
    // File time follows this clock from this moment.
    this.#started = this.#keptAt = this.#parts.now()
    this.#recorder.start(sliceMs)
  }

  /** Milliseconds since start: the clock of every time in the transcript. */
  elapsed(): number {
    return Math.round(this.#parts.now() - this.#started)
  }

  /** How much of it is on disk, in ms. */
  get keptMs(): number {
    return this.#keptMs
  }

  /** Whether it goes on. */
  get recording(): boolean {
    return !this.#failed && this.#recorder.state !== 'inactive'
  }

  /** How long ago the last slice reached the disk, in ms. */
  get keptAgo(): number {
    return this.#parts.now() - this.#keptAt
  }

  /** Resolves when the last slice is on disk. */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.#recorder.state !== 'inactive') this.#recorder.stop()
    await this.#ended
    await this.#writing
  }

  #take(data: Blob): void {
    this.#bytes += data.size
    if (data.size === 0) return
    if (this.#bytes > this.#parts.most) {
      this.#fail(new BrokenOff('TooLong'))
      return
    }
    const n = this.#count++
    const endedMs = this.elapsed()
    const through = this.#bytes
    this.#writing = this.#writing
      .then(async () => {
        if (!this.#holed) await this.#keep(n, data, endedMs, through)
      })
      .catch((cause: unknown) => {
        this.#holed = true
        this.#fail(cause)
      })
  }

  async #keep(n: number, data: Blob, endedMs: number, through: number): Promise<void> {
    const bytes = await data.arrayBuffer()
    await this.#parts.slices.add(this.#parts.session, { n, bytes, endedMs, through })
    this.#keptMs = endedMs
    this.#keptAt = this.#parts.now()
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    if (this.#recorder.state !== 'inactive') this.#recorder.stop()
    this.#parts.onFailure(cause)
  }
}
