import { eachFrame } from '../parts/frames'
import { remember, remembered, usual, type Choice } from './choice'
import { Ears } from './ears'
import { jumpFrom, stepped, type Pause } from './pauses'

/** One recording being heard. Times are in ms of the recording. */
export class Playback {
  now = $state(0)
  playing = $state(false)
  /** The last try to play failed. */
  broken = $state(false)
  /** Whether the transcript follows what is heard. */
  following = $state(true)
  choice: Choice = $state.raw(usual)
  /** What may be left out. */
  pauses: readonly Pause[] = []
  readonly #storage: Storage
  #audio: HTMLAudioElement | undefined
  #ears: Ears | undefined

  constructor(storage: Storage) {
    this.#storage = storage
    this.choice = remembered(storage)
  }

  /** Plays through this element; the answer lets go of it. */
  hold(audio: HTMLAudioElement): () => void {
    const ears = new Ears(audio)
    this.#audio = audio
    this.#ears = ears
    audio.preservesPitch = true
    audio.defaultPlaybackRate = audio.playbackRate = this.choice.speed
    let still: (() => void) | undefined
    const leave = new AbortController()
    const on = (name: string, act: () => void) => {
      audio.addEventListener(name, act, { signal: leave.signal })
    }
    on('timeupdate', () => this.#follow())
    on('error', () => (this.broken = true))
    on('play', () => {
      this.playing = true
      still = eachFrame(() => this.#follow())
    })
    on('pause', () => {
      this.playing = false
      still?.()
    })
    return () => {
      leave.abort()
      still?.()
      void ears.close()
    }
  }

  playFrom(ms: number): void {
    this.seek(ms)
    void this.play()
  }

  async play(): Promise<void> {
    this.broken = false
    this.following = true
    this.#ears?.hear(this.choice.voices)
    try {
      await this.#audio?.play()
    } catch (cause) {
      // Pausing while it loads is no failure.
      this.broken = !(cause instanceof DOMException && cause.name === 'AbortError')
    }
  }

  toggle(): void {
    if (this.playing) this.#audio?.pause()
    else void this.play()
  }

  seek(ms: number): void {
    if (this.#audio) this.#audio.currentTime = ms / 1000
    this.now = ms
  }

  /** Goes some ms on, or back. */
  step(by: number): void {
    this.seek(this.choice.skip ? stepped(this.pauses, this.now, by) : Math.max(0, this.now + by))
  }

  /** Takes a choice and remembers it. */
  choose(part: Partial<Choice>): void {
    this.choice = { ...this.choice, ...part }
    remember(this.choice, this.#storage)
    if (this.#audio) this.#audio.playbackRate = this.choice.speed
    this.#ears?.hear(this.choice.voices)
  }

  #follow(): void {
    if (!this.#audio) return
    this.now = Math.round(this.#audio.currentTime * 1000)
    if (!this.playing || !this.choice.skip) return
    const on = jumpFrom(this.pauses, this.now)
    if (on !== undefined) this.seek(on)
  }
}
