import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { EndReason, Token, Topic } from '../api/types'
import { ulid } from '../api/ulid'
import type { Wait } from '../outbox/backoff'
import { Recorder } from '../recording/recorder'
import { NotSaved } from '../saving/save'
import type { Saver } from '../saving/saver'
import { awaitsText, captioned, type Captions } from '../transcript/captions'
import { Connection } from './connection'
import { lockOf } from './lock'
import { FirstAudio, linesAfter, text, turnAfter, type Line, type ProviderEvent } from './provider'
import { reduce } from './reduce'
import { initial, type Effect, type FailureReason, type Input, type State } from './state'
import { openTalk, type Talk } from './talk'
import { Voices } from './voices'

/** How long a disturbed call is given to heal, in ms. */
const healing = 5_000
/** How long after the end texts are still waited for, in ms. The upload runs meanwhile. */
const settling = 2_000
/** How long a call may take to come about, in ms. */
const connecting = 20_000

/** What a runner needs from its surroundings. */
export type RunnerParts = {
  api: Client
  account: string
  topic: Topic
  /** Longest session, in ms. */
  limit: number
  /** Opens this browser's store; rejects when the browser has none for us. */
  saver: () => Promise<Saver>
  devices: MediaDevices | undefined
  locks: LockManager
  /** Milliseconds of a clock that never stands still. */
  now: () => number
  date: () => Date
  wait: Wait
  onState: (state: State) => void
  onCaptions: (captions: Captions) => void
  onLines: (lines: Line[]) => void
}

/**
 * Runs one conversation: owns the microphone, the call and the recorder, asks
 * the reducer what to do about whatever happens, and does it. Make a new one
 * for each session.
 */
export class Runner {
  /** The session's id; it exists at the server once the state is past connecting. */
  readonly session: string
  readonly #parts: RunnerParts
  readonly #voices: Voices
  #state: State = initial
  #captions: Captions = []
  #connection: Connection | undefined
  #recorder: Recorder | undefined
  #talk: Talk | undefined
  #firstAudio: FirstAudio | undefined
  #call = { number: 0, provider: '', clicked: 0 }
  #disturbance = 0
  #onTextsIn: (() => void) | undefined
  #unlock: (() => void) | undefined

  constructor(parts: RunnerParts) {
    this.#parts = parts
    this.#voices = new Voices(parts.devices, () => {
      this.#dispatch({ type: 'notice', notice: 'microphone_lost' })
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
    this.#call.clicked = this.#parts.now()
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
    this.#dispatch({ type: 'end', reason: 'learner' })
  }

  /** Tries once more to save. */
  save(): void {
    this.#dispatch({ type: 'save' })
  }

  /** Says something in writing. */
  type(words: string): void {
    const content = [{ type: 'input_text', text: words }]
    this.#connection?.send({
      type: 'conversation.item.create',
      item: { type: 'message', role: 'user', content },
    })
    this.#connection?.send({ type: 'response.create' })
  }

  /** Tells the built-in partner which of its lines is going to be said. */
  choose(line: string): void {
    this.#connection?.send({ type: 'parley.choose', line_id: line })
  }

  /** How loud the learner is, 0 to 1. */
  readonly learnerLevel = (): number => this.#voices.learnerLevel()
  /** How loud the tutor is, 0 to 1. */
  readonly tutorLevel = (): number => this.#voices.tutorLevel()

  /** The page goes elsewhere. What was recorded stays kept on this device, for any page to finish. */
  async leave(): Promise<void> {
    this.#dispatch({ type: 'cancel' })
    await this.#release()
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
      case 'mint':
        return void this.#mint()
      case 'connect':
        return void this.#connect(effect.token)
      case 'start_recording':
        return this.#startRecording()
      case 'greet':
        return this.#connection?.send({ type: 'response.create' })
      case 'mute':
        return this.#mute(effect.on)
      case 'await_healing':
        return void this.#awaitHealing()
      case 'stop_awaiting':
        this.#disturbance++
        return
      case 'note_drop':
        return this.#talk?.relay.tell({ type: 'parley.call_dropped', cause: effect.cause })
      case 'stop_recording':
        return void this.#stopRecording(effect.reason)
      case 'save':
        return void this.#save()
      case 'close_session':
        return void this.#closeSession()
      case 'release':
        return void this.#release()
    }
  }

  async #openMicrophone(): Promise<void> {
    const trouble = await this.#voices.openMicrophone()
    this.#dispatch(trouble ? { type: 'microphone_refused', trouble } : { type: 'microphone_opened' })
  }

  async #openSession(): Promise<void> {
    const { api, account, topic, locks, now } = this.#parts
    // Another tab must not offer to finish a session that is still going on here.
    const held = new Promise<void>((resolve) => {
      this.#unlock = resolve
    })
    void locks.request(lockOf(this.session), () => held)
    try {
      const saver = await this.#parts.saver()
      this.#talk = await openTalk({ id: this.session, api, saver, account, topic, now }, () => {
        this.#dispatch({ type: 'notice', notice: 'store_refused' })
      })
      this.#dispatch({ type: 'session_opened' })
    } catch (cause) {
      // Either the server refuses, or this browser's store does.
      const reason: FailureReason =
        cause instanceof Problem ? { what: 'session', code: cause.code } : { what: 'storage' }
      this.#dispatch({ type: 'session_refused', reason })
    }
  }

  async #mint(): Promise<void> {
    try {
      this.#dispatch({ type: 'token_issued', token: await this.#parts.api.token(this.session) })
    } catch (cause) {
      this.#dispatch({ type: 'token_refused', code: cause instanceof Problem ? cause.code : 'unknown' })
    }
  }

  async #connect(token: Token): Promise<void> {
    const { microphone } = this.#voices
    if (!microphone) return
    this.#call.number = token.call
    this.#talk?.relay.belongTo(token.call)
    this.#connection = this.#newConnection(microphone)
    try {
      await this.#connection.open(token.calls_url, token.value)
      await this.#parts.wait(connecting)
    } catch {
      // What the provider said is of no use to the learner; the server sees its side.
    }
    // Means something only if the call has not come about by now.
    this.#dispatch({ type: 'call_failed' })
  }

  #newConnection(microphone: MediaStream): Connection {
    return new Connection(microphone, {
      onConnected: (providerCall) => {
        this.#call.provider = providerCall
        this.#dispatch({ type: 'call_connected' })
      },
      onEvent: (event) => {
        this.#receive(event)
      },
      onVoice: (voice) => {
        this.#voices.hearTutor(voice)
      },
      onDisturbed: () => {
        this.#dispatch({ type: 'call_disturbed' })
      },
      onHealed: () => {
        this.#dispatch({ type: 'call_healed' })
      },
      onLost: () => {
        this.#dispatch({ type: 'call_lost' })
      },
    })
  }

  #startRecording(): void {
    const { now } = this.#parts
    this.#firstAudio = new FirstAudio(now())
    this.#record()
    this.#talk?.relay.tell({
      type: 'parley.call_connected',
      provider_call_id: this.#call.provider,
      since_click_ms: Math.round(now() - this.#call.clicked),
    })
    void this.#limitTime()
  }

  #record(): void {
    const talk = this.#talk
    const format = talk?.kept.contentType
    const stream = this.#voices.recordable
    if (!talk || !format || !stream) return
    this.#recorder = new Recorder(stream, format, {
      session: this.session,
      slices: talk.saver.slices,
      now: this.#parts.now,
      onFailure: () => {
        this.#dispatch({ type: 'notice', notice: 'recording_stopped' })
      },
    })
    this.#recorder.start()
    this.#talk?.relay.timeBy(this.#recorder)
    this.#talk?.relay.tell({ type: 'parley.recording_started' })
  }

  async #limitTime(): Promise<void> {
    await this.#parts.wait(this.#parts.limit)
    this.#dispatch({ type: 'end', reason: 'time_limit' })
  }

  #receive(event: ProviderEvent): void {
    this.#talk?.relay.relay(event)
    this.#measure(event)
    const lines = linesAfter(event)
    if (lines) this.#parts.onLines(lines)
    if (event.type === 'session.created') this.#dispatch({ type: 'provider_ready' })
    const turn = turnAfter(event)
    if (turn) this.#dispatch({ type: 'turn', turn })
    this.#caption(event)
  }

  #measure(event: ProviderEvent): void {
    const after = this.#firstAudio?.after(event, this.#parts.now())
    if (after === undefined) return
    this.#talk?.relay.tell({
      type: 'parley.first_audio',
      response_id: text(event, 'response_id'),
      after_ms: after,
    })
  }

  #caption(event: ProviderEvent): void {
    const captions = captioned(this.#captions, event)
    if (captions !== this.#captions) this.#parts.onCaptions(captions)
    this.#captions = captions
    if (!awaitsText(captions)) this.#onTextsIn?.()
  }

  #mute(on: boolean): void {
    this.#voices.mute(on)
    this.#talk?.relay.tell({ type: 'parley.muted', on })
  }

  async #awaitHealing(): Promise<void> {
    const disturbance = ++this.#disturbance
    await this.#parts.wait(healing)
    if (disturbance === this.#disturbance) this.#dispatch({ type: 'call_lost' })
  }

  async #stopRecording(reason: EndReason): Promise<void> {
    if (this.#talk) this.#talk.kept = { ...this.#talk.kept, ended: reason }
    await this.#recorder?.stop()
    try {
      await this.#talk?.saver.kept.change(this.session, { ended: reason })
    } catch {
      // Only a later visit would read it, and that one then calls it the learner's end.
    }
    this.#dispatch({ type: 'recording_stopped' })
  }

  async #save(): Promise<void> {
    if (!this.#talk) return
    const { saver, kept, outbox } = this.#talk
    try {
      await saver.save(kept, outbox, this.#settle(), (stage) => {
        this.#dispatch({ type: 'progress', stage: stage.name, share: 'share' in stage ? stage.share : 0 })
      })
      this.#dispatch({ type: 'saved' })
    } catch (cause) {
      this.#dispatch({ type: 'not_saved', ...explain(cause) })
    }
  }

  /** Waits, with the call still up, for texts under way; then hangs up. */
  async #settle(): Promise<void> {
    if (this.#connection && awaitsText(this.#captions)) {
      const textsIn = new Promise<void>((resolve) => {
        this.#onTextsIn = resolve
      })
      await Promise.race([textsIn, this.#parts.wait(settling)])
    }
    this.#hangUp()
  }

  async #release(): Promise<void> {
    this.#hangUp()
    await this.#recorder?.stop()
    await this.#voices.close()
  }

  #hangUp(): void {
    this.#connection?.close()
    this.#connection = undefined
    this.#voices.fallSilent()
  }

  // If this fails the session stays kept, and the next visit finishes it.
  async #closeSession(): Promise<void> {
    if (!this.#talk) return
    const { saver, kept, outbox } = this.#talk
    const nothingRecorded = { ...kept, contentType: null }
    await saver.save(nothingRecorded, outbox, Promise.resolve(), () => undefined).catch(() => undefined)
  }
}

function explain(cause: unknown): { code: Problem['code'] | 'not_saved'; detail: string } {
  if (cause instanceof NotSaved) return { code: 'not_saved', detail: cause.message }
  if (cause instanceof Problem) return { code: cause.code, detail: cause.message }
  return { code: 'unknown', detail: String(cause) }
}
