// What the page itself reads out of the provider's events: whose turn it is,
// what may be relayed, and how long the first sound took. The record is made
// by the server from the events as they came.
import type { Turn } from './state'

/** One event of the data channel; fields beyond `type` are checked where they are used. */
export type ProviderEvent = { type: string } & Record<string, unknown>

/** Items that the page makes of what was said in earlier calls have ids that begin so: they are no new turns. */
export const carriedPrefix = 'carried_'

/** Reads a message of the data channel; undefined when it is no event. */
export function readEvent(data: unknown): ProviderEvent | undefined {
  if (typeof data !== 'string') return undefined
  try {
    const event: unknown = JSON.parse(data)
    return isEvent(event) ? event : undefined
  } catch {
    return undefined // not JSON: nothing the protocol knows
  }
}

function isEvent(value: unknown): value is ProviderEvent {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Whether the server wants it: everything but deltas and the partner's own messages. */
export function relayed(event: ProviderEvent): boolean {
  return !event.type.endsWith('.delta') && !event.type.startsWith('parley.')
}

const turns = new Map<string, Turn>(
  Object.entries({
    'input_audio_buffer.speech_started': 'hearing',
    'input_audio_buffer.speech_stopped': 'thinking',
    'response.created': 'thinking',
    'output_audio_buffer.started': 'speaking',
    'output_audio_buffer.stopped': 'listening',
    'output_audio_buffer.cleared': 'listening',
  }),
)

/** Whose turn it is after an event; undefined when the event does not say. */
export function turnAfter(event: ProviderEvent): Turn | undefined {
  if (event.type === 'response.done' && silent(event)) return 'listening'
  return turns.get(event.type)
}

// A response that failed or was cancelled plays nothing, so no `stopped` follows.
function silent(event: ProviderEvent): boolean {
  const { response } = event
  if (typeof response !== 'object' || response === null || !('status' in response)) return false
  return response.status === 'failed' || response.status === 'cancelled'
}

/** The text of a field, empty when it is absent. */
export function text(event: ProviderEvent, field: string): string {
  const value = event[field]
  return typeof value === 'string' ? value : ''
}

/** What the provider tells of a call at its beginning and after a change. */
export type Told = {
  /** When the provider ends the call, in ms since 1970; undefined when it does not say. */
  endsAt: number | undefined
  /** How turns are told apart; null by hand, undefined when it does not say. */
  turnDetection: Record<string, unknown> | null | undefined
  /** It describes sessions as the beta did, and understands no other description. */
  beta: boolean
}

/** Reads `session.created` and `session.updated`; undefined for any other event. */
export function toldBy(event: ProviderEvent): Told | undefined {
  if (event.type !== 'session.created' && event.type !== 'session.updated') return undefined
  const session = record(event.session)
  const { expires_at } = session
  const beta = 'turn_detection' in session
  const turns = (beta ? session : record(record(session.audio).input)).turn_detection
  return {
    endsAt: typeof expires_at === 'number' && expires_at > 0 ? expires_at * 1000 : undefined,
    turnDetection: turns === null ? null : turns === undefined ? undefined : record(turns),
    beta,
  }
}

/** Whether the provider says that the call has lasted as long as it may. */
export function isOver(event: ProviderEvent): boolean {
  return event.type === 'error' && record(event.error).code === 'session_expired'
}

/** The members of what should be an object; none when it is not. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** A learner's line to choose from, offered by the built-in partner. */
export type Line = { id: string; text: string }

/**
 * The lines on offer after an event: new ones, none once the learner has said
 * hers, undefined when the event changes nothing about them.
 */
export function linesAfter(event: ProviderEvent): Line[] | undefined {
  if (event.type === 'input_audio_buffer.committed') return []
  if (event.type !== 'parley.lines' || !Array.isArray(event.lines)) return undefined
  return event.lines.filter(isLine).map(({ id, text }) => ({ id, text }))
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null) return false
  return 'id' in value && typeof value.id === 'string' && 'text' in value && typeof value.text === 'string'
}

/** How far the provider's clock may be from ours, in ms: what it tells of further away is not believed. */
const believable = 1_500

/**
 * Measures the time from the end of the learner's turn, or from the connect,
 * to the tutor's first sound. The provider's own time of that end is better
 * than the message's arrival, which waits out the silence, for seconds where
 * she has asked for time to think. Whether its clock is right shows at the
 * beginning of her words, which is told at once.
 */
export class FirstAudio {
  readonly #connectedAt: number
  #since: number
  #believed = false

  /** Times are of one clock, in ms. */
  constructor(connectedAt: number) {
    this.#connectedAt = connectedAt
    this.#since = connectedAt
  }

  /** Counts from here until somebody speaks. */
  startOver(now: number): void {
    this.#since = now
  }

  /** The measure an event completes, in ms. */
  after(event: ProviderEvent, now: number): number | undefined {
    if (event.type === 'input_audio_buffer.speech_started')
      this.#believed = Math.abs(now - (this.#told(event.audio_start_ms) ?? Infinity)) <= believable
    if (event.type === 'input_audio_buffer.speech_stopped')
      this.#since = (this.#believed ? this.#told(event.audio_end_ms) : undefined) ?? now
    if (event.type !== 'output_audio_buffer.started') return undefined
    return Math.max(0, Math.round(now - this.#since))
  }

  #told(onCall: unknown): number | undefined {
    return typeof onCall === 'number' ? this.#connectedAt + onCall : undefined
  }
}
