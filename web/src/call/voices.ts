import { Mixer } from '../recording/mixer'
import { openMicrophone, type MicrophoneTrouble } from './microphone'

/** The two voices of a conversation: the microphone, the tutor's sound, and both mixed for the recording. */
export class Voices {
  readonly #devices: MediaDevices | undefined
  readonly #onMicrophoneLost: () => void
  readonly #tutor = new Audio()
  #mixer: Mixer | undefined
  #microphone: MediaStream | undefined
  #muted = false

  constructor(devices: MediaDevices | undefined, onMicrophoneLost: () => void) {
    this.#devices = devices
    this.#onMicrophoneLost = onMicrophoneLost
  }

  /** What the microphone hears; undefined before it was opened. */
  get microphone(): MediaStreamTrack | undefined {
    return this.#microphone?.getAudioTracks()[0]
  }

  /** Both voices in stereo; undefined before {@link wake}. */
  get recordable(): MediaStream | undefined {
    return this.#mixer?.stream
  }

  /** Wakes the sound, also where the browser has stopped it. It has to happen inside the click itself, before anything is awaited. */
  wake(): void {
    this.#mixer ??= new Mixer()
    this.#mixer.wake()
    this.#tutor.autoplay = true
  }

  /**
   * Opens the microphone, this one if it is named, in place of the one before;
   * or says what kept us from it, and leaves things as they were.
   */
  async openMicrophone(device = ''): Promise<MicrophoneTrouble | undefined> {
    const opened = await openMicrophone(this.#devices, device)
    if ('trouble' in opened) return opened.trouble
    this.#letGo()
    this.#microphone = opened.stream
    this.#mixer?.addLearner(opened.stream)
    for (const track of opened.stream.getAudioTracks()) {
      track.enabled = !this.#muted
      track.onended = this.#onMicrophoneLost
    }
    return undefined
  }

  /** Plays the tutor's voice and mixes it in. Without an element that plays it the mixer would hear silence. */
  hearTutor(voice: MediaStream): void {
    this.#tutor.srcObject = voice
    this.#mixer?.addTutor(voice)
  }

  /** Muting sends and records silence; time goes on. */
  mute(on: boolean): void {
    this.#muted = on
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !on
  }

  /** How loud the learner is, 0 to 1. */
  learnerLevel(): number {
    return this.#mixer?.learnerLevel() ?? 0
  }

  /** Whether the browser has stopped all sound. */
  get stopped(): boolean {
    return this.#mixer?.stopped ?? false
  }

  /** Whether the microphone gives nothing right now, not even the noise of a room, as a headset does that is switched off. */
  get still(): boolean {
    const track = this.microphone
    // One that is gone is told by itself.
    if (!track || track.readyState === 'ended' || this.#muted || !track.enabled) return false
    return track.muted || !(this.#mixer?.learnerSounds() ?? true)
  }

  /** How loud the tutor is, 0 to 1. */
  tutorLevel(): number {
    return this.#mixer?.tutorLevel() ?? 0
  }

  /** Lets go of microphone and tutor; the mix stays for the recorder's last slice. */
  fallSilent(): void {
    this.#tutor.srcObject = null
    this.#letGo()
  }

  async close(): Promise<void> {
    this.fallSilent()
    await this.#mixer?.close()
  }

  #letGo(): void {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop()
  }
}
