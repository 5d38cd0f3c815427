import type { Wait } from '../outbox/backoff'
import type { Call } from './call'
import { speedEvent, turnsEvent, type Manner } from './manner'
import type { ProviderEvent } from './provider'
import type { PageEvent, Stamp } from './relay'
import type { Turn } from './state'
import type { Voices } from './voices'

/** What is held shorter than this is no turn, in ms: the provider refuses to take less than 100. */
const shortest = 200
/** How long the provider may take to say which item a turn became, in ms. */
const naming = 2_000

/** What the floor needs from its surroundings. */
export type FloorParts = {
  voices: Pick<Voices, 'mute'>
  now: () => number
  /** The call that stands now. */
  call: () => Call | undefined
  wait: Wait
  tell: (call: Call, event: PageEvent, stamp?: Stamp) => void
  stamp: () => Stamp
  onTurn: (turn: Turn) => void
}

/** Who may speak, and how the learner takes and leaves the floor: mute, push-to-talk, writing. */
export class Floor {
  readonly #parts: FloorParts
  #manner: Manner
  #turn: Turn = 'listening'
  #muted = false
  /** Since when the button is held, in push-to-talk. */
  #held: number | undefined
  #speedOwed = false
  #quietSince: number

  constructor(manner: Manner, parts: FloorParts) {
    this.#manner = manner
    this.#parts = parts
    this.#quietSince = parts.now()
  }

  get manner(): Manner {
    return this.#manner
  }

  get turn(): Turn {
    return this.#turn
  }

  /** How long nobody has said anything, in ms. */
  get quiet(): number {
    return this.#turn === 'listening' ? this.#parts.now() - this.#quietSince : 0
  }

  /** Whose turn it is now. */
  turned(turn: Turn): void {
    this.#turn = turn
    this.#quietSince = this.#parts.now()
    this.#paySpeed()
    this.#parts.onTurn(turn)
  }

  mute(on: boolean): void {
    this.#muted = on
    this.#open()
    const call = this.#parts.call()
    if (call) this.#parts.tell(call, { type: 'parley.muted', on })
  }

  /** In push-to-talk the learner is heard only while she holds the button. */
  #open(): void {
    const byHand = this.#manner.turns === 'push_to_talk'
    this.#parts.voices.mute(this.#muted || (byHand && this.#held === undefined))
  }

  /** Holds the microphone as the manner asks, when it has just been opened. */
  begin(): void {
    this.#open()
  }

  /** Goes on in this manner. */
  adopt(manner: Manner): void {
    const before = this.#manner
    this.#manner = manner
    this.#held = undefined
    this.#open()
    const call = this.#parts.call()
    if (before.turns !== manner.turns || before.patience !== manner.patience)
      call?.send(turnsEvent(manner, call.told))
    this.#speedOwed ||= before.speed !== manner.speed
    this.#paySpeed()
  }

  // The provider changes its speed only between its turns.
  #paySpeed(): void {
    const call = this.#parts.call()
    if (!call || !this.#speedOwed || this.#turn === 'speaking' || this.#turn === 'thinking') return
    this.#speedOwed = false
    call.send(speedEvent(this.#manner, call.told))
  }

  /** Push-to-talk: she begins; a tutor who speaks is cut short. */
  press(): void {
    const call = this.#parts.call()
    if (!call || this.#held !== undefined || this.#muted) return
    this.#held = this.#parts.now()
    this.#interrupt(call)
    call.send({ type: 'input_audio_buffer.clear' })
    this.#open()
    this.#parts.tell(call, { type: 'parley.talk_pressed' })
    this.turned('hearing')
  }

  /** She has said it. */
  release(): void {
    const call = this.#parts.call()
    if (!call || this.#held === undefined) return
    const held = Math.round(this.#parts.now() - this.#held)
    this.#held = undefined
    this.#open()
    if (held < shortest) return this.#takeBack(call, held)
    call.turnEnds()
    void this.#tellOfTurn(call, held, call.commit())
    call.send({ type: 'response.create' })
    this.turned('thinking')
  }

  #takeBack(call: Call, held_ms: number): void {
    call.send({ type: 'input_audio_buffer.clear' })
    this.#parts.tell(call, { type: 'parley.talk_released', held_ms })
    this.turned('listening')
  }

  // The moment is that of the release; which item it became is known a little later.
  async #tellOfTurn(call: Call, held_ms: number, named: Promise<string>): Promise<void> {
    const stamp = this.#parts.stamp()
    const item_id = await Promise.race([named, this.#parts.wait(naming).then(() => '')])
    const item = item_id === '' ? {} : { item_id }
    this.#parts.tell(call, { type: 'parley.talk_released', ...item, held_ms }, stamp)
  }

  /** Says something in writing. */
  type(words: string): void {
    const call = this.#parts.call()
    if (!call) return
    const content = [{ type: 'input_text', text: words }]
    const item: ProviderEvent = { type: 'message', role: 'user', content }
    this.#interrupt(call)
    call.turnEnds()
    call.send({ type: 'conversation.item.create', item })
    call.send({ type: 'response.create' })
  }

  /** Whoever is in the middle of a turn ends it in this call; there is no answer there any more. */
  yieldIn(former: Call): void {
    if (this.#turn === 'hearing') void former.commit()
    this.#interrupt(former)
  }

  // Generating may be over while the voice is still heard, so both are stopped.
  #interrupt(call: Call): void {
    if (this.#turn !== 'thinking' && this.#turn !== 'speaking') return
    call.send({ type: 'response.cancel' })
    call.send({ type: 'output_audio_buffer.clear' })
  }
}
