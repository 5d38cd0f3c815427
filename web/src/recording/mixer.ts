/**
 * Both voices in one stereo stream: learner left, tutor right. It lives across
 * calls; a new call's voice joins the same stream. Make it inside a click, or
 * the browser keeps it silent.
 */
export class Mixer {
  readonly #context: AudioContext
  readonly #merger: ChannelMergerNode
  readonly #out: MediaStreamAudioDestinationNode
  readonly #meters: [AnalyserNode, AnalyserNode]
  readonly #sources: [MediaStreamAudioSourceNode | null, MediaStreamAudioSourceNode | null] = [null, null]
  readonly #samples: Float32Array<ArrayBuffer>

  constructor() {
    this.#context = new AudioContext({ latencyHint: 'interactive' })
    this.#merger = this.#context.createChannelMerger(2)
    this.#out = new MediaStreamAudioDestinationNode(this.#context, { channelCount: 2 })
    this.#merger.connect(this.#out)
    this.#meters = [this.#context.createAnalyser(), this.#context.createAnalyser()]
    for (const meter of this.#meters) meter.fftSize = 1024
    this.#samples = new Float32Array(1024)
    // Systems take the sound away, for a phone call for instance, and do not always give it back unasked.
    this.#context.onstatechange = () => {
      this.wake()
    }
  }

  /** Whether the browser has stopped the sound: nothing is heard, and silence recorded. */
  get stopped(): boolean {
    return this.#context.state !== 'running' && this.#context.state !== 'closed'
  }

  /** Asks for the sound to go on; some browsers want a click for it. */
  wake(): void {
    if (!this.stopped) return
    // A refusal is told by `stopped`, which stays as it is.
    this.#context.resume().catch(() => undefined)
  }

  /** What a recorder records. */
  get stream(): MediaStream {
    return this.#out.stream
  }

  /** Takes the learner's voice in place of the one before. */
  addLearner(voice: MediaStream): void {
    this.#add(voice, 0)
  }

  /** The same for the tutor's. A remote voice is silent here unless a media element plays it as well. */
  addTutor(voice: MediaStream): void {
    this.#add(voice, 1)
  }

  /** How loud the learner is right now: 0 (−60 dB or less) to 1 (full scale). */
  learnerLevel(): number {
    return this.#level(this.#meters[0])
  }

  /** Whether the learner's side gives any sound right now, however low. */
  learnerSounds(): boolean {
    this.#meters[0].getFloatTimeDomainData(this.#samples)
    return this.#samples.some((sample) => sample !== 0)
  }

  /** The same for the tutor. */
  tutorLevel(): number {
    return this.#level(this.#meters[1])
  }

  async close(): Promise<void> {
    if (this.#context.state !== 'closed') await this.#context.close()
  }

  #add(voice: MediaStream, channel: 0 | 1): void {
    this.#sources[channel]?.disconnect()
    const source = this.#context.createMediaStreamSource(voice)
    this.#sources[channel] = source
    source.connect(this.#merger, 0, channel)
    source.connect(this.#meters[channel])
  }

  #level(meter: AnalyserNode): number {
    meter.getFloatTimeDomainData(this.#samples)
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length
    const decibel = 10 * Math.log10(power + 1e-9)
    return Math.min(1, Math.max(0, 1 + decibel / 60))
  }
}
