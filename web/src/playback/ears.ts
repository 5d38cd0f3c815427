// Who is heard: both as they were recorded, or one of them on both ears.
import type { Voices } from './choice'

/** For each ear the channel it hears. */
const channels: Record<Voices, readonly [number, number]> = {
  both: [0, 1],
  learner: [0, 0],
  tutor: [1, 1],
}

/** The way from a player to the ears. An element that plays both needs none, and gets none. */
export class Ears {
  readonly #audio: HTMLAudioElement
  #way: { context: AudioContext; apart: ChannelSplitterNode; ears: ChannelMergerNode } | undefined

  constructor(audio: HTMLAudioElement) {
    this.#audio = audio
  }

  /** Call it where somebody clicked: browsers let no other sound begin. */
  hear(voices: Voices): void {
    if (voices === 'both' && !this.#way) return
    this.#way ??= this.#laid()
    const { context, apart, ears } = this.#way
    apart.disconnect()
    for (const [ear, channel] of channels[voices].entries()) apart.connect(ears, channel, ear)
    void context.resume()
  }

  async close(): Promise<void> {
    await this.#way?.context.close()
  }

  #laid() {
    const context = new AudioContext()
    const apart = context.createChannelSplitter(2)
    const ears = context.createChannelMerger(2)
    context.createMediaElementSource(this.#audio).connect(apart)
    ears.connect(context.destination)
    return { context, apart, ears }
  }
}
