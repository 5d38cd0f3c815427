import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { EndReason, Token } from '../api/types'
import type { Wait } from '../outbox/backoff'
import type { Captions } from '../transcript/captions'
import { Ongoing } from '../transcript/ongoing'
import type { Awake } from './awake'
import { Call, type CallEvents, type Dial } from './call'
import { carried, owesAnswer } from './carry'
import { Ear } from './ear'
import { Keeping, type Tape } from './keeping'
import { Floor } from './floor'
import { turnsEvent, type Manner } from './manner'
import { Patience } from './patience'
import { isOver, linesAfter, text, turnAfter, type Line, type ProviderEvent } from './provider'
import type { PageEvent, Stamp } from './relay'
import type { Input } from './state'
import type { Talk } from './talk'
import type { Voices } from './voices'
import { watchEnd } from './watch'

/** How long texts are still waited for in a call that is over, in ms. An upload runs meanwhile. */
const settling = 2_000
/** How long a call may take to come about, in ms. */
const connecting = 20_000
/** How long a call that was taken over stays up for them, in ms. */
const retiring = 10_000

/** How long a conversation has lasted and may still last; and how long it may still be quiet; in ms. */
export type Times = { elapsed: number; left: number; patience: number }

/** What a conversation needs from its surroundings. */
export type ConversationParts = {
  api: Pick<Client, 'token' | 'session'>
  talk: Talk
  voices: Pick<
    Voices,
    | 'microphone'
    | 'still'
    | 'stopped'
    | 'recordable'
    | 'tutorLevel'
    | 'hearTutor'
    | 'openMicrophone'
    | 'mute'
    | 'fallSilent'
    | 'close'
  >
  dial: Dial
  tape: Tape
  awake: Pick<Awake, 'hold' | 'release'>
  manner: Manner
  /** When the learner began, on the clock of `now`. */
  clicked: number
  /** Milliseconds of a clock that never stands still. */
  now: () => number
  date: () => Date
  wait: Wait
  random: () => number
  /** What was said in the session that this one goes on with; empty when it begins anew. */
  before: Captions
  onInput: (input: Input) => void
  onCaptions: (captions: Captions) => void
  onLines: (lines: Line[]) => void
}

/**
 * A session while it is talked in: its calls one after the other, its
 * recording across all of them, and its saving. What happens is told as
 * inputs of the reducer; its effects are this class's methods.
 */
export class Conversation {
  readonly #parts: ConversationParts
  /** The recording, and its way to be saved. */
  readonly keeping: Keeping
  readonly #ear: Ear
  /** Mute, push-to-talk, writing: what the learner does at her microphone. */
  readonly floor: Floor
  /** Waits for a call to heal, or to be tried again. */
  readonly patience: Patience
  readonly #script: Ongoing
  #current: Call | undefined
  /** The one that is to take over. */
  #next: Call | undefined
  /** Those that were taken over, while texts of theirs are outstanding. */
  readonly #former = new Set<Call>()
  /** What the next call hears until it takes over. */
  #silence: MediaStreamTrack | undefined
  #chosen = ''
  #asked: number
  #began: number | undefined
  #greeted = false

  constructor(parts: ConversationParts) {
    this.#parts = parts
    this.floor = new Floor(parts.manner, {
      voices: parts.voices,
      now: parts.now,
      call: () => this.#current,
      wait: parts.wait,
      tell: (call, event, stamp) => {
        this.#tell(call, event, stamp)
      },
      stamp: () => parts.talk.relay.stamp(),
      onTurn: (turn) => {
        parts.onInput({ type: 'turn', turn })
      },
    })
    this.patience = new Patience(parts.wait, parts.random, parts.onInput)
    this.#script = new Ongoing(parts.wait, parts.onCaptions, parts.before)
    this.#asked = parts.clicked
    this.#ear = new Ear(parts.talk.relay, () => parts.voices.tutorLevel(), parts.wait)
    this.keeping = new Keeping(parts)
  }

  /** How long it has lasted since the first call stood, and when it is going to end. */
  times(): Times {
    const { session_ms, idle_ms } = this.#parts.talk.limits
    const elapsed = this.#began === undefined ? 0 : this.#parts.now() - this.#began
    const patience = idle_ms > 0 ? idle_ms - this.floor.quiet : Infinity
    return { elapsed, left: session_ms - elapsed, patience }
  }

  async mint(): Promise<void> {
    try {
      this.#parts.onInput({ type: 'token_issued', token: await this.#token() })
    } catch (cause) {
      const code = cause instanceof Problem ? cause.code : 'unknown'
      if (code === 'ended') await this.askWhyItEnded()
      else this.#parts.onInput({ type: 'token_refused', code })
    }
  }

  /** The server has ended the session: by its own limits, at sign-out, by an operator. */
  async askWhyItEnded(): Promise<void> {
    const session = await this.#parts.api.session(this.#parts.talk.kept.id).catch(() => undefined)
    this.#parts.onInput({ type: 'end', why: { cause: 'server', told: session?.ended_because ?? '' } })
  }

  #token(): Promise<Token> {
    if (this.#began !== undefined) this.#asked = this.#parts.now()
    return this.#parts.api.token(this.#parts.talk.kept.id, this.floor.manner)
  }

  /** Brings a call about. What comes of it is told by the call itself; here only that it did not. */
  async connect(token: Token, another = true): Promise<void> {
    const call = this.#newCall(token, this.#parts.voices.microphone)
    this.#current?.close()
    this.#current = call
    const came = call && (await this.#offer(call))
    if (call !== this.#current || call?.firstAudio) return
    if (came === 'refused' && another) return this.#connectWithAnother()
    this.#parts.onInput({ type: 'call_failed' })
  }

  // A good token is refused at times; another one is then tried, once.
  async #connectWithAnother(): Promise<void> {
    try {
      await this.connect(await this.#token(), false)
    } catch {
      this.#parts.onInput({ type: 'call_failed' })
    }
  }

  /** Brings the next call about beside the present one. It hears silence until it takes over. */
  async prepare(token: Token): Promise<void> {
    this.dropNext()
    this.#silence = this.#parts.voices.microphone?.clone()
    if (this.#silence) this.#silence.enabled = false
    const call = this.#newCall(token, this.#silence)
    this.#next = call
    if (call) await this.#offer(call)
    if (call === this.#next && !call?.told) this.#parts.onInput({ type: 'next_failed' })
  }

  // Offers a call and gives it time to come about. What the provider said
  // against it is of no use to the learner; the server sees its side.
  async #offer(call: Call): Promise<'refused' | 'over_time'> {
    try {
      if (!(await call.open())) return 'refused'
      await this.#parts.wait(connecting)
    } catch {
      // Nobody answered.
    }
    return 'over_time'
  }

  /** Lets the next call take over. The one before stays up, deaf and mute, for texts under way. */
  switch(): void {
    const [former, next] = [this.#current, this.#next]
    if (!next) return
    this.#current = next
    this.#next = undefined
    if (former) void this.#retire(former)
    void next.hear(this.#parts.voices.microphone ?? null).then(() => {
      this.#silence?.stop()
    })
    next.turnEnds()
    if (next.voice) this.#parts.voices.hearTutor(next.voice)
    this.#takeUp(next)
    this.#watch(next)
  }

  async #retire(former: Call): Promise<void> {
    this.#former.add(former)
    this.floor.yieldIn(former)
    former.send(turnsEvent({ ...this.floor.manner, turns: 'push_to_talk' }, former.told))
    await former.hear(null)
    await this.#script.textsIn(retiring)
    this.#former.delete(former)
    former.close()
  }

  dropNext(): void {
    this.#next?.close()
    this.#next = undefined
    this.#silence?.stop()
  }

  /** Notes that the call is gone, and lets go of it. */
  dropCall(cause: string): void {
    const call = this.#current
    if (!call) return
    this.#tell(call, { type: 'parley.call_dropped', cause })
    call.close()
    this.#current = undefined
    this.#script.breakOff()
  }

  noteCall(): void {
    if (this.#current) this.#note(this.#current)
  }

  // Of the moment of the connect: a recorder may have been started since.
  #note(call: Call): void {
    const since_click_ms = Math.round(call.connectedAt - this.#asked)
    const stamp = this.#parts.talk.relay.stamp(this.#parts.now() - call.connectedAt)
    const provider_call_id = call.provider
    this.#tell(call, { type: 'parley.call_connected', provider_call_id, since_click_ms }, stamp)
  }

  /** Opens the conversation, or takes it up where the call before stopped. */
  greet(): void {
    const call = this.#current
    if (!call) return
    this.#takeUp(call)
    this.#watch(call)
  }

  #takeUp(call: Call): void {
    const goesOn = this.#script.begun
    if (goesOn) for (const event of carried(this.#script.captions, call.number, call.told)) call.send(event)
    const { manner } = this.floor
    const { resume } = call.token
    // She may have changed her mind since the token was minted.
    if (manner.turns === 'push_to_talk' && call.told?.turnDetection !== null)
      call.send(turnsEvent(manner, call.told))
    else if (goesOn || resume)
      call.send(resume ? { type: 'session.update', session: resume } : turnsEvent(manner, call.told))
    if (goesOn && this.#chosen !== '') call.send({ type: 'parley.choose', line_id: this.#chosen })
    if (!this.#greeted || owesAnswer(this.#script.captions)) call.send({ type: 'response.create' })
    this.#greeted = true
  }

  /** Starts the clock and the recording. */
  startRecording(): void {
    const { talk, awake, now, wait, onInput } = this.#parts
    this.#began = now()
    this.floor.begin()
    awake.hold()
    this.keeping.record(() => this.#current?.number ?? 0)
    void wait(talk.limits.session_ms).then(() => {
      onInput({ type: 'end', why: { cause: 'time_limit' } })
    })
  }

  /** Tells the built-in partner which of its lines is going to be said. */
  choose(line: string): void {
    this.#chosen = line
    this.#current?.send({ type: 'parley.choose', line_id: line })
  }

  /** Uses another microphone: the named one, or the one of the system. */
  async useMicrophone(device: string): Promise<void> {
    const trouble = await this.#parts.voices.openMicrophone(device)
    if (!trouble) await this.#current?.hear(this.#parts.voices.microphone ?? null)
    this.#parts.onInput({ type: 'notice', notice: 'microphone_lost', on: trouble !== undefined })
  }

  async stopRecording(reason: EndReason): Promise<void> {
    this.#parts.awake.release()
    this.dropNext()
    await this.keeping.stop(reason)
    this.#parts.onInput({ type: 'recording_stopped' })
  }

  save(): Promise<void> {
    return this.keeping.save(this.#settle())
  }

  closeSession(): Promise<void> {
    return this.keeping.close()
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    this.#parts.awake.release()
    this.#hangUp()
    await this.#ear.close()
    await this.keeping.stop()
    await this.#parts.voices.close()
  }

  /** Waits, with the call still up, for texts under way; then hangs up. */
  async #settle(): Promise<void> {
    if (this.#current?.firstAudio || this.#former.size > 0) await this.#script.textsIn(settling)
    await this.#ear.close()
    this.#hangUp()
  }

  #hangUp(): void {
    for (const call of [this.#current, ...this.#former]) call?.close()
    this.dropNext()
    this.#former.clear()
    this.#current = undefined
    this.#parts.voices.fallSilent()
  }

  #watch(call: Call): void {
    const { now, date, wait, onInput } = this.#parts
    const isCurrent = () => call === this.#current
    void watchEnd(call.told?.endsAt, this.times().left, { now, date, wait }, isCurrent, onInput)
  }

  #newCall(token: Token, voice: MediaStreamTrack | undefined): Call | undefined {
    return voice && new Call(token, voice, this.#parts.dial, this.#events, this.#parts.now)
  }

  readonly #events: CallEvents = {
    onConnected: (call) => {
      if (call === this.#current) this.#parts.onInput({ type: 'call_connected' })
      else if (call === this.#next) this.#note(call)
    },
    onEvent: (call, event) => {
      this.#receive(call, event)
    },
    onVoice: (call, voice) => {
      if (call === this.#current) this.#parts.voices.hearTutor(voice)
    },
    onDisturbed: (call) => {
      if (call === this.#current) this.#parts.onInput({ type: 'call_disturbed' })
    },
    onHealed: (call) => {
      if (call === this.#current) this.#parts.onInput({ type: 'call_healed' })
    },
    onLost: (call) => {
      if (call === this.#current) this.#parts.onInput({ type: 'call_lost' })
      else if (call === this.#next) this.#parts.onInput({ type: 'next_failed' })
    },
  }

  #receive(call: Call, event: ProviderEvent): void {
    this.#ear.relay(call.number, event)
    this.#script.take(event)
    if (call === this.#current) this.#follow(call, event)
    else if (call === this.#next && event.type === 'session.created')
      this.#begun(call, { type: 'next_ready' })
  }

  // What of the present call decides how things go on.
  #follow(call: Call, event: ProviderEvent): void {
    const after = call.measure(event)
    const response_id = text(event, 'response_id')
    if (after !== undefined) this.#tell(call, { type: 'parley.first_audio', response_id, after_ms: after })
    const lines = linesAfter(event)
    if (lines) this.#offerLines(lines)
    if (event.type === 'session.created') this.#begun(call, { type: 'provider_ready' })
    if (isOver(event)) this.#parts.onInput({ type: 'call_lost' })
    const turn = turnAfter(event)
    if (turn) this.floor.turned(turn)
  }

  // Where the provider mints no session along with the token, it is asked for here.
  #begun(call: Call, input: Input): void {
    if (call.token.session) call.send({ type: 'session.update', session: call.token.session })
    this.#parts.onInput(input)
  }

  #offerLines(lines: Line[]): void {
    if (!lines.some(({ id }) => id === this.#chosen)) this.#chosen = ''
    this.#parts.onLines(lines)
  }

  #tell(call: Call, event: PageEvent, stamp?: Stamp): void {
    this.#parts.talk.relay.tell(call.number, event, stamp)
  }
}
