import type { Token } from '../api/types'
import { Commits } from './commits'
import { OfferRefused, type Connection, type ConnectionEvents } from './connection'
import { FirstAudio, toldBy, type ProviderEvent, type Told } from './provider'

/** The part of a connection that a call uses. */
export type Line = Pick<Connection, 'open' | 'hear' | 'send' | 'close'>

/** Makes the connection of one call, in which the provider hears `voice`. */
export type Dial = (voice: MediaStreamTrack, events: ConnectionEvents) => Line

/** What a call reports, with itself: an earlier one may still speak when a later one does. */
export type CallEvents = {
  [Name in keyof ConnectionEvents]: (call: Call, ...rest: Parameters<ConnectionEvents[Name]>) => void
}

/** One call of a conversation. */
export class Call {
  readonly token: Token
  /** The provider's id of it, once it is connected. */
  provider = ''
  /** What the provider told last of it. */
  told: Told | undefined
  /** When it was connected, on the clock `now`; the provider's clock counts from there. */
  connectedAt = 0
  /** The tutor's voice in it. */
  voice: MediaStream | undefined
  /** From its connect on; see {@link FirstAudio}. */
  firstAudio: FirstAudio | undefined
  readonly #commits = new Commits((event) => {
    this.send(event)
  })
  readonly #line: Line
  readonly #now: () => number

  constructor(token: Token, voice: MediaStreamTrack, dial: Dial, events: CallEvents, now: () => number) {
    this.token = token
    this.#now = now
    this.#line = dial(voice, {
      onConnected: (provider) => {
        this.provider = provider
        this.connectedAt = now()
        this.firstAudio = new FirstAudio(this.connectedAt)
        events.onConnected(this, provider)
      },
      onEvent: (event) => {
        this.told = toldBy(event) ?? this.told
        this.#commits.follow(event)
        events.onEvent(this, event)
      },
      onVoice: (stream) => {
        this.voice = stream
        events.onVoice(this, stream)
      },
      onDisturbed: () => {
        events.onDisturbed(this)
      },
      onHealed: () => {
        events.onHealed(this)
      },
      onLost: () => {
        events.onLost(this)
      },
    })
  }

  get number(): number {
    return this.token.call
  }

  /** Offers it. False when it was refused for its token, so that another one may do. */
  async open(): Promise<boolean> {
    try {
      await this.#line.open(this.token.calls_url, this.token.value)
      return true
    } catch (cause) {
      if (cause instanceof OfferRefused && cause.status === 401) return false
      throw cause
    }
  }

  /** The time from the learner's end to the tutor's first sound that an event completes, in ms. */
  measure(event: ProviderEvent): number | undefined {
    return this.firstAudio?.after(event, this.#now())
  }

  /** The learner's turn is over, and counted from here: the provider tells nothing of its end. */
  turnEnds(): void {
    this.firstAudio?.startOver(this.#now())
  }

  /** Commits what was heard as a turn; resolves with its item, empty when it became none. */
  commit(): Promise<string> {
    return this.#commits.make()
  }

  hear(voice: MediaStreamTrack | null): Promise<void> {
    return this.#line.hear(voice)
  }

  send(event: ProviderEvent): void {
    this.#line.send(event)
  }

  close(): void {
    this.#line.close()
  }
}
