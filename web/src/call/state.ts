import type { ProblemCode } from '../api/problem'
import type { EndReason, Token } from '../api/types'
import type { MicrophoneTrouble } from './microphone'

/** Whose turn it is, as far as can be told. */
export type Turn = 'listening' | 'thinking' | 'speaking'

/** Something went wrong that the conversation survives; the learner is told. */
export type Notice = 'recording_stopped' | 'microphone_lost' | 'store_refused'

/** Why a conversation could not begin, or not be saved. */
export type FailureReason =
  | { what: 'microphone'; trouble: MicrophoneTrouble }
  | { what: 'session' | 'token'; code: ProblemCode }
  | { what: 'storage' }
  | { what: 'call' }
  | { what: 'cancelled' }
  | { what: 'saving'; code: ProblemCode | 'not_saved'; detail: string }

/** Where a conversation is. One of these at any time; everything on screen derives from it. */
export type State =
  /** Before the start. The microphone may be tried out. */
  | { name: 'idle'; microphone: 'untried' | 'asked' | 'heard'; trouble: MicrophoneTrouble | null }
  | { name: 'connecting'; step: 'microphone' | 'session' | 'token' | 'call' }
  | { name: 'talking'; turn: Turn; muted: boolean; notice: Notice | null }
  /** The call is disturbed. It may heal by itself; `lost` when it will not. */
  | { name: 'reconnecting'; lost: boolean; muted: boolean; notice: Notice | null }
  /** Over; the recorder writes its last slice. */
  | { name: 'ending'; reason: EndReason }
  | { name: 'saving'; stage: 'recorded' | 'uploading' | 'checking'; share: number }
  | { name: 'saved' }
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
  | { type: 'turn'; turn: Turn }
  | { type: 'mute'; on: boolean }
  | { type: 'notice'; notice: Notice }
  | { type: 'end'; reason: EndReason }
  | { type: 'recording_stopped' }
  | { type: 'save' }
  | { type: 'progress'; stage: 'recorded' | 'uploading' | 'checking'; share: number }
  | { type: 'saved' }
  | { type: 'not_saved'; code: ProblemCode | 'not_saved'; detail: string }

/** What a state change asks the runner to do. */
export type Effect =
  | { do: 'open_microphone' }
  | { do: 'open_session' }
  | { do: 'mint' }
  | { do: 'connect'; token: Token }
  | { do: 'start_recording' }
  | { do: 'greet' }
  | { do: 'mute'; on: boolean }
  | { do: 'await_healing' }
  | { do: 'stop_awaiting' }
  | { do: 'note_drop'; cause: string }
  | { do: 'stop_recording'; reason: EndReason }
  | { do: 'save' }
  /** Ends, at the server, a session in which nothing was said. */
  | { do: 'close_session' }
  /** Lets go of microphone, call and sound. */
  | { do: 'release' }

/** A state and what follows from reaching it. */
export type Step = { state: State; effects: Effect[] }

/** Before anything happened. */
export const initial: State = { name: 'idle', microphone: 'untried', trouble: null }
