// A conversation for tests: everything of the browser and the server is played,
// and each asynchronous step waits until the test lets it go on.
import { vi } from 'vitest'
import { Problem } from '../api/problem'
import type { RelayedEvent, Session, SessionChange, Token, Topic } from '../api/types'
import { usual, type Manner } from './manner'
import type { Captions } from '../transcript/captions'
import type { Saver } from '../saving/saver'
import type { Line } from './call'
import { OfferRefused, type ConnectionEvents } from './connection'
import { Conversation } from './conversation'
import type { ProviderEvent } from './provider'
import { Runner, type RunnerParts } from './runner'
import { initial, type State } from './state'
import { openTalk } from './talk'

vi.stubGlobal('MediaRecorder', { isTypeSupported: () => true })

/** Something that waits to be let go on. */
export class Gate<T> {
  readonly passed: Promise<T>
  open!: (value: T) => void
  refuse!: (cause: unknown) => void

  constructor() {
    this.passed = new Promise((resolve, reject) => {
      this.open = resolve
      this.refuse = reject
    })
  }
}

/** A played connection. */
export class PlayedLine implements Line {
  readonly offered = new Gate<undefined>()
  readonly sent: ProviderEvent[] = []
  readonly events: ConnectionEvents
  voice: MediaStreamTrack | null
  closed = false

  constructor(voice: MediaStreamTrack, events: ConnectionEvents) {
    this.voice = voice
    this.events = events
  }

  open = () => this.offered.passed
  hear = (voice: MediaStreamTrack | null) => {
    this.voice = voice
    return Promise.resolve()
  }
  send = (event: ProviderEvent) => void this.sent.push(event)
  close = () => void (this.closed = true)

  /** Connects, and greets as the provider does; `expires_at` in s since 1970. */
  connect(id: string, expires_at?: number): void {
    this.events.onConnected(id)
    const audio = { input: { turn_detection: { type: 'semantic_vad' } } }
    this.events.onEvent({ type: 'session.created', session: { expires_at, audio } })
  }

  /** A turn of one of them, from its place to its text. */
  turn(speaker: 'learner' | 'tutor', id: string, transcript: string): void {
    const tutor = speaker === 'tutor'
    const tell = (type: string, fields: object) => {
      this.events.onEvent({ type, ...fields })
    }
    if (tutor) tell('output_audio_buffer.started', { response_id: id })
    else tell('input_audio_buffer.speech_started', { item_id: id })
    tell('conversation.item.added', { item: { id, role: tutor ? 'assistant' : 'user' } })
    const said = tutor
      ? 'response.output_audio_transcript.done'
      : 'conversation.item.input_audio_transcription.completed'
    tell(said, { item_id: id, transcript })
    if (tutor) tell('output_audio_buffer.stopped', { response_id: id })
    else tell('input_audio_buffer.speech_stopped', { item_id: id })
  }

  refuse(status: number): void {
    this.offered.refuse(new OfferRefused(status))
  }

  /** The types of what was sent. */
  get types(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

/** What the voices are of which the played lines hear one. */
type PlayedTrack = { name: string; enabled: boolean; stopped: boolean }

/** A runner with all of its surroundings played. */
export class Rehearsal {
  readonly microphone = new Gate<undefined>()
  readonly rest = new Gate<undefined>()
  readonly session = new Gate<Session>()
  readonly tokens: Gate<Token>[] = []
  readonly lines: PlayedLine[] = []
  /** `starting` is how long the recorder takes to start, in ms; a `broken` one cannot. */
  readonly tape = { recorded: 0, starting: 0, broken: false, stopped: new Gate<undefined>() }
  readonly saving: Gate<undefined>[] = []
  readonly told: Omit<RelayedEvent, 'n'>[] = []
  readonly tracks: PlayedTrack[] = []
  /** The microphones that were asked for, by id. */
  readonly opened: string[] = []
  readonly states: State[] = [initial]
  readonly runner: Runner
  changed: (change: SessionChange | undefined) => void = () => undefined
  /** How loud the tutor is. */
  tutor = 1
  closed = false
  muted = false
  /** How often the sound was woken. */
  woken = 0
  /** How often what waits to be sent was told to try at once. */
  triedNow = 0
  givenUp = false
  now = 0
  #waiting: { ms: number; pass: () => void }[] = []

  constructor(manner: Manner = usual, before: Captions = []) {
    this.runner = new Runner(this.#parts(manner, before))
  }

  get state(): State {
    return this.states.at(-1) ?? initial
  }

  /** The last connection. */
  get line(): PlayedLine {
    const line = this.lines.at(-1)
    if (!line) throw new Error('nobody was called')
    return line
  }

  /** The types of what was told of a call. */
  toldOf(call: number): unknown[] {
    return this.told.filter((event) => event.call === call).map(({ event }) => (event as ProviderEvent).type)
  }

  /** Lets a time pass that somebody waits for. */
  async pass(ms: number): Promise<void> {
    this.now += ms
    const due = this.#waiting.filter((waiting) => waiting.ms === ms)
    this.#waiting = this.#waiting.filter((waiting) => waiting.ms !== ms)
    for (const { pass } of due) pass()
    await settled()
  }

  /** Whether somebody waits for this time. */
  waits(ms: number): boolean {
    return this.#waiting.some((waiting) => waiting.ms === ms)
  }

  /** Gives a token for the call of that number. */
  async issue(call: number, more: Partial<Token> = {}): Promise<void> {
    this.tokens
      .at(-1)
      ?.open({ value: 'secret', expires_at: '', calls_url: '/calls', call, model: 'm', ...more })
    await settled()
  }

  /** Every step up to the talk in call 1. */
  async talk(expires_at?: number): Promise<void> {
    this.runner.start()
    this.microphone.open(undefined)
    await settled()
    this.rest.open(undefined)
    this.session.open({ limits: { session_ms: 9_000_000, idle_ms: 0 } } as Session)
    await settled()
    await this.issue(1)
    this.line.connect('rtc_1', expires_at)
    await settled()
  }

  #parts(manner: Manner, before: Captions): RunnerParts {
    return {
      api: {
        startSession: () => this.session.passed,
        token: () => this.#gate(this.tokens),
        session: () => Promise.resolve({ status: 'ended', ended_because: 'idle' } as Session),
      },
      live: {
        subscribe: (listener) => {
          this.changed = listener
          return () => true
        },
      },
      account: 'a',
      topic: { id: 't', title: 'T' } as Topic,
      limits: {
        session_max_ms: 3_600_000,
        upload_max_bytes: 268_435_456,
        upload_types: ['audio/webm', 'audio/mp4'],
      },
      manner,
      microphone: '',
      before,
      saver: () => Promise.resolve(this.#saver()),
      later: async () => {
        await this.rest.passed
        return { openTalk, converse: (parts) => new Conversation({ ...parts, ...this.#means() }) }
      },
      voices: () => this.#voices(),
      locks: { request: (_: string, held: () => Promise<void>) => held() } as unknown as LockManager,
      now: () => this.now,
      date: () => new Date(1_000_000_000 + this.now),
      wait: (ms) => new Promise((pass) => this.#waiting.push({ ms, pass })),
      random: () => 0,
      onState: (state) => this.states.push(state),
      onCaptions: () => undefined,
      onLines: () => undefined,
    }
  }

  #means() {
    return {
      dial: (voice: MediaStreamTrack, events: ConnectionEvents) => {
        const line = new PlayedLine(voice, events)
        this.lines.push(line)
        return line
      },
      tape: () => ({
        start: () => {
          if (this.tape.broken) throw new DOMException('', 'NotSupportedError')
          this.now += this.tape.starting
          this.tape.recorded++
        },
        elapsed: () => this.now,
        keptMs: 0,
        keptAgo: 0,
        recording: true,
        stop: () => this.tape.stopped.passed,
      }),
      awake: { hold: () => undefined, release: () => undefined },
    }
  }

  #gate<T>(gates: Gate<T>[]): Promise<T> {
    const gate = new Gate<T>()
    gates.push(gate)
    return gate.passed
  }

  #voices() {
    return {
      microphone: this.#track('microphone'),
      still: false,
      stopped: false,
      recordable: {} as MediaStream,
      wake: () => void this.woken++,
      openMicrophone: (device = '') => {
        this.opened.push(device)
        return this.microphone.passed
      },
      hearTutor: () => undefined,
      mute: (on: boolean) => void (this.muted = on),
      learnerLevel: () => 0,
      tutorLevel: () => this.tutor,
      fallSilent: () => undefined,
      close: () => {
        this.closed = true
        return Promise.resolve()
      },
    }
  }

  #track(name: string): MediaStreamTrack {
    const track = {
      name,
      enabled: true,
      stopped: false,
      clone: () => this.#track('silence'),
      stop: () => void (track.stopped = true),
    }
    this.tracks.push(track)
    return track as unknown as MediaStreamTrack
  }

  #saver(): Saver {
    const kept = {
      keep: () => Promise.resolve(),
      forget: () => Promise.resolve(),
      change: () => Promise.resolve(),
    }
    const saver = {
      kept,
      askToStay: () => Promise.resolve(true),
      slices: {},
      outbox: () => ({
        append: (event: Omit<RelayedEvent, 'n'>) => this.told.push(event),
        lastN: 0,
        retry: { now: () => void this.triedNow++, stop: () => void (this.givenUp = true) },
      }),
      save: async (_: unknown, __: unknown, ready: Promise<void>) => {
        await ready
        await this.#gate(this.saving)
      },
    }
    return saver as unknown as Saver
  }
}

/** When everything that could go on has. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve))
}

/** A refusal. */
export function refusal(code: Problem['code']): Problem {
  return new Problem(code, code === 'offline' ? 0 : 409, '')
}
