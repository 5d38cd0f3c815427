import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { Me, Topic } from '../api/types'
import { ulid } from '../api/ulid'
import type { Live } from '../live/live'
import type { Wait } from '../outbox/backoff'
import type { Saver } from '../saving/saver'
import type { Captions } from '../transcript/captions'
import type { Conversation, ConversationParts, Times } from './conversation'
import type { Kept } from './keeping'
import { lockOf } from './lock'
import type { Manner } from './manner'
import type { Line } from './provider'
import { reduce } from './reduce'
import { initial, type Effect, type FailureReason, type Input, type Notice, type State } from './state'
import type { Talk, TalkParts } from './talk'
import type { Voices } from './voices'

/** What is loaded only when a conversation begins. */
export type Later = {
  openTalk: (parts: TalkParts, onStoreTrouble: (cause: unknown) => void) => Promise<Talk>
  converse: (parts: Omit<ConversationParts, 'dial' | 'tape' | 'awake'>) => Conversation
}

/** What a runner needs from its surroundings. */
export type RunnerParts = {
  api: Pick<Client, 'token' | 'startSession' | 'session'>
  live: Pick<Live, 'subscribe'>
  account: string
  topic: Topic
  /** The server's limits. */
  limits: Me['limits']
  manner: Manner
  /** The microphone to open; empty: the system's choice. */
  microphone: string
  /** See {@link ConversationParts}. */
  before: Captions
  /** Opens this browser's store; rejects when the browser has none for us. */
  saver: () => Promise<Saver>
  /** Loads the rest; rejects when the server does not answer. */
  later: () => Promise<Later>
  /** Makes the voices; it is told when the microphone was pulled out. */
  voices: (
    onMicrophoneLost: () => void,
  ) => ConversationParts['voices'] & Pick<Voices, 'wake' | 'learnerLevel'>
  locks: LockManager
  /** Milliseconds of a clock that never stands still. */
  now: () => number
  date: () => Date
  wait: Wait
  random: () => number
  onState: (state: State) => void
  onCaptions: (captions: Captions) => void
  onLines: (lines: Line[]) => void
}

/**
 * Runs one conversation: asks the reducer what to do about whatever happens,
 * and has it done, by the voices before the session is open, by the
 * conversation from then on. Make a new one for each session.
 */
export class Runner {
  /** The session's id; it exists at the server once the state is past connecting. */
  readonly session: string
  readonly #parts: RunnerParts
  readonly #voices: ReturnType<RunnerParts['voices']>
  #state: State = initial
  #conversation: Conversation | undefined
  #manner: Manner
  #device: string
  #clicked = 0
  #unlock: (() => void) | undefined
  #unsubscribe: (() => void) | undefined

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.#manner = parts.manner
    this.#device = parts.microphone
    this.#voices = parts.voices(() => {
      this.#dispatch({ type: 'notice', notice: 'microphone_lost', on: true })
    })
    this.session = ulid(parts.date().getTime(), (bytes) =>
      crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
    )
  }

  /** Tries the microphone out. Call it inside a click. */
  check(): void {
    this.#voices.wake()
    this.#dispatch({ type: 'check' })
  }

  /** Begins. Call it inside a click, or browsers keep the sound off. */
  start(): void {
    this.#voices.wake()
    this.#clicked = this.#parts.now()
    this.#dispatch({ type: 'start' })
  }

  /** Gives up before the conversation began. */
  cancel(): void {
    this.#dispatch({ type: 'cancel' })
  }

  mute(on: boolean): void {
    this.#dispatch({ type: 'mute', on })
  }

  /** Ends the conversation and saves it. */
  end(): void {
    this.#dispatch({ type: 'end', why: { cause: 'learner' } })
  }

  /** Tries once more to save. */
  save(): void {
    this.#dispatch({ type: 'save' })
  }

  /** The network is back, or the learner has waited enough: the next try need not wait. */
  tryNow(): void {
    this.#dispatch({ type: 'retry' })
    this.#conversation?.keeping.tryNow()
  }

  /** Goes on in this manner. */
  adopt(manner: Manner): void {
    this.#manner = manner
    this.#conversation?.floor.adopt(manner)
  }

  /** Push-to-talk: the button goes down. */
  press(): void {
    this.#conversation?.floor.press()
  }

  /** And up. */
  letGo(): void {
    this.#conversation?.floor.release()
  }

  /** Says something in writing. */
  type(words: string): void {
    this.#conversation?.floor.type(words)
  }

  /** Tells the built-in partner which of its lines is going to be said. */
  choose(line: string): void {
    this.#conversation?.choose(line)
  }

  /** The learner has read it, and goes on. */
  dismiss(notice: Notice): void {
    // Where the browser has stopped the sound this is the click that it wants.
    this.#voices.wake()
    this.#dispatch({ type: 'notice', notice, on: false })
  }

  /** Uses another microphone: the named one, or the one of the system. */
  useMicrophone(device: string): void {
    this.#device = device
    if (this.#conversation) void this.#conversation.useMicrophone(device)
    else if (this.#state.name === 'idle' && this.#state.microphone === 'heard') this.check()
  }

  /** How loud the learner is, 0 to 1. */
  readonly learnerLevel = (): number => this.#voices.learnerLevel()
  /** How loud the tutor is, 0 to 1. */
  readonly tutorLevel = (): number => this.#voices.tutorLevel()

  /** How long it has lasted, and when it is going to end. */
  times(): Times {
    return (
      this.#conversation?.times() ?? {
        elapsed: 0,
        left: this.#parts.limits.session_max_ms,
        patience: Infinity,
      }
    )
  }

  /** What of the recording is kept on this device. */
  kept(): Kept {
    return this.#conversation?.keeping.kept ?? { ms: 0, recording: false }
  }

  /** The page goes elsewhere. What was recorded stays kept on this device, for any page to finish. */
  async leave(): Promise<void> {
    this.#dispatch({ type: 'cancel' })
    await this.#release()
    this.#conversation?.keeping.giveUp()
    this.#unlock?.()
  }

  #dispatch(input: Input): void {
    const { state, effects } = reduce(this.#state, input)
    if (state !== this.#state) this.#parts.onState(state)
    this.#state = state
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'open_microphone':
        return void this.#openMicrophone()
      case 'open_session':
        return void this.#openSession()
      case 'close_session':
        return void this.#conversation?.closeSession()
      case 'release':
        return void this.#release()
      default:
        if (this.#conversation) perform(this.#conversation, effect)
    }
  }

  async #openMicrophone(): Promise<void> {
    const trouble = await this.#voices.openMicrophone(this.#device)
    this.#dispatch(trouble ? { type: 'microphone_refused', trouble } : { type: 'microphone_opened' })
  }

  async #openSession(): Promise<void> {
    // Another tab must not offer to finish a session that is still going on here.
    const held = new Promise<void>((resolve) => {
      this.#unlock = resolve
    })
    void this.#parts.locks.request(lockOf(this.session), () => held)
    try {
      this.#conversation = await this.#open()
      this.#listen()
      this.#dispatch({ type: 'session_opened' })
    } catch (cause) {
      // Either the server refuses, or this browser's store does.
      const reason: FailureReason =
        cause instanceof Problem ? { what: 'session', code: cause.code } : { what: 'storage' }
      this.#dispatch({ type: 'session_refused', reason })
    }
  }

  async #open(): Promise<Conversation> {
    const { api, account, topic, now, limits } = this.#parts
    const later = await this.#parts.later().catch((cause: unknown) => {
      throw new Problem('offline', 0, String(cause))
    })
    const saver = await this.#parts.saver()
    const talk = await later.openTalk({ id: this.session, api, saver, account, topic, now, limits }, () => {
      this.#dispatch({ type: 'notice', notice: 'store_refused', on: true })
    })
    return later.converse({
      ...this.#parts,
      talk,
      voices: this.#voices,
      manner: this.#manner,
      clicked: this.#clicked,
      onInput: (input) => {
        this.#dispatch(input)
      },
    })
  }

  #listen(): void {
    this.#unsubscribe = this.#parts.live.subscribe((change) => {
      if (!change) void this.#askWhetherOver()
      else if (change.id === this.session && change.status !== 'active')
        void this.#conversation?.askWhyItEnded()
    })
  }

  // Some news were missed; this may have been among them.
  async #askWhetherOver(): Promise<void> {
    const session = await this.#parts.api.session(this.session).catch(() => undefined)
    if (session && session.status !== 'active') await this.#conversation?.askWhyItEnded()
  }

  async #release(): Promise<void> {
    this.#unsubscribe?.()
    if (this.#conversation) await this.#conversation.close()
    else await this.#voices.close()
  }
}

type Said = Exclude<Effect, { do: 'open_microphone' | 'open_session' | 'close_session' | 'release' }>

function perform(conversation: Conversation, effect: Said): void {
  switch (effect.do) {
    case 'mint':
      return void conversation.mint()
    case 'connect':
      return void conversation.connect(effect.token)
    case 'prepare':
      return void conversation.prepare(effect.token)
    case 'switch':
      return conversation.switch()
    case 'drop_next':
      return conversation.dropNext()
    case 'start_recording':
      return conversation.startRecording()
    case 'note_call':
      return conversation.noteCall()
    case 'greet':
      return conversation.greet()
    case 'mute':
      return conversation.floor.mute(effect.on)
    case 'await_healing':
      return void conversation.patience.healing()
    case 'await_retry':
      return void conversation.patience.retry(effect.tries)
    case 'stop_awaiting':
      return conversation.patience.stop()
    case 'drop_call':
      return conversation.dropCall(effect.cause)
    case 'stop_recording':
      return void conversation.stopRecording(effect.reason)
    case 'save':
      return void conversation.save()
  }
}
