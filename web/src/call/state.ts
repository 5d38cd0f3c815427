import type { ProblemCode } from '../api/problem'
import type { EndReason, Token } from '../api/types'
import type { MicrophoneTrouble } from './microphone'

/** What is going on, as far as can be told. `listening`: nobody speaks; `hearing`: the learner does. */
export type Turn = 'listening' | 'hearing' | 'thinking' | 'speaking'

/** Something went wrong that the conversation survives; the learner is told. */
export type Notice =
  | 'recording_stopped'
  /** The browser's recorder did not even begin. */
  | 'recording_refused'
  /** Nothing has reached this device's store for a moment; it may come back. */
  | 'recording_stalled'
  | 'store_refused'
  | 'microphone_lost'
  /** It is open and gives no sound at all. */
  | 'microphone_silent'
  /** The browser has stopped all sound, as during a phone call. */
  | 'sound_stopped'

/** Why a conversation could not begin, or not be saved. */
export type FailureReason =
  | { what: 'microphone'; trouble: MicrophoneTrouble }
  | { what: 'session' | 'token'; code: ProblemCode }
  | { what: 'storage' }
  | { what: 'call' }
  | { what: 'cancelled' }
  | { what: 'saving'; code: ProblemCode | 'not_saved'; detail: string; why: Why }

/** Why a conversation ended. */
export type Why =
  | { cause: 'learner' | 'time_limit' }
  /** No token was given for another call. */
  | { cause: 'refused'; code: ProblemCode }
  /** No further call came about. */
  | { cause: 'unreachable' }
  /** The server ended it; its reason, when it could be asked. */
  | { cause: 'server'; told: string }

/** A roll-over under way: the call that is to take over before the provider ends this one. */
export type Next = {
  /** `ready`: it stands, and waits for a pause. `refused`: there will be none. */
  step: 'minting' | 'calling' | 'ready' | 'refused'
  /** When the provider ends the present call, on the page's clock, in ms. */
  endsAt: number
}

/** Where a conversation is. One of these at any time; everything on screen derives from it. */
export type State =
  /** Before the start. The microphone may be tried out. */
  | { name: 'idle'; microphone: 'untried' | 'asked' | 'heard'; trouble: MicrophoneTrouble | null }
  | { name: 'connecting'; step: 'microphone' | 'session' | 'token' | 'call' }
  | { name: 'talking'; turn: Turn; muted: boolean; notices: readonly Notice[]; next: Next | null }
  /**
   * The call is disturbed. It may heal by itself; if not, a new one goes on
   * with the conversation. `tries` counts the failures so far.
   */
  | {
      name: 'reconnecting'
      phase: 'healing' | 'minting' | 'calling' | 'waiting'
      tries: number
      muted: boolean
      notices: readonly Notice[]
    }
  /** Over; the recorder writes its last slice. */
  | { name: 'ending'; why: Why }
  /**
   * Of an upload: its size in bytes, and which share of it has left. `waits`:
   * why something has to be tried again, which it is by itself.
   */
  | {
      name: 'saving'
      why: Why
      stage: 'recorded' | 'uploading' | 'checking'
      share: number
      size: number
      waits: ProblemCode | null
    }
  | { name: 'saved'; why: Why }
  /** `saveable`: something is kept on this device and saving can be tried again. */
  | { name: 'failed'; reason: FailureReason; saveable: boolean }

/** What can happen to a conversation. */
export type Input =
  | { type: 'check' }
  | { type: 'start' }
  | { type: 'cancel' }
  | { type: 'microphone_opened' }
  | { type: 'microphone_refused'; trouble: MicrophoneTrouble }
  | { type: 'session_opened' }
  | { type: 'session_refused'; reason: FailureReason }
  | { type: 'token_issued'; token: Token }
  | { type: 'token_refused'; code: ProblemCode }
  | { type: 'call_connected' }
  | { type: 'call_failed' }
  | { type: 'call_disturbed' }
  | { type: 'call_healed' }
  | { type: 'call_lost' }
  | { type: 'provider_ready' }
  /** It is time to try once more. */
  | { type: 'retry' }
  /** The provider's end of the call is near; `last`: there is no time to wait for a pause. */
  | { type: 'roll_over'; endsAt: number; last: boolean }
  | { type: 'next_ready' }
  | { type: 'next_failed' }
  | { type: 'turn'; turn: Turn }
  | { type: 'mute'; on: boolean }
  /** Something is, or is no longer, amiss; `on: false` also when the learner has read it. */
  | { type: 'notice'; notice: Notice; on: boolean }
  | { type: 'end'; why: Why }
  | { type: 'recording_stopped' }
  | { type: 'save' }
  | { type: 'progress'; stage: 'recorded' | 'uploading' | 'checking'; share: number; size: number }
  | { type: 'waiting'; code: ProblemCode | null }
  | { type: 'saved' }
  | { type: 'not_saved'; code: ProblemCode | 'not_saved'; detail: string }

/** What a state change asks the runner to do. */
export type Effect =
  | { do: 'open_microphone' }
  | { do: 'open_session' }
  | { do: 'mint' }
  | { do: 'connect'; token: Token }
  /** Brings a call about beside the present one, in silence. */
  | { do: 'prepare'; token: Token }
  /** Lets the prepared call take over. */
  | { do: 'switch' }
  | { do: 'drop_next' }
  | { do: 'start_recording' }
  | { do: 'note_call' }
  /** Opens the conversation, or takes it up where the call before it stopped. */
  | { do: 'greet' }
  | { do: 'mute'; on: boolean }
  | { do: 'await_healing' }
  | { do: 'stop_awaiting' }
  /** Notes that the call is gone and lets go of it. */
  | { do: 'drop_call'; cause: string }
  | { do: 'await_retry'; tries: number }
  | { do: 'stop_recording'; reason: EndReason }
  | { do: 'save' }
  /** Ends, at the server, a session in which nothing was said. */
  | { do: 'close_session' }
  /** Lets go of microphone, call and sound. */
  | { do: 'release' }

/** One of the states, by its name. */
export type Of<Name extends State['name']> = Extract<State, { name: Name }>

/** A state and what follows from reaching it. */
export type Step = { state: State; effects: Effect[] }

/** A step to a state. */
export function step(state: State, ...effects: Effect[]): Step {
  return { state, effects }
}

/** Before anything happened. */
export const initial: State = { name: 'idle', microphone: 'untried', trouble: null }
