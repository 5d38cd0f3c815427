// The steps of a conversation, for tests of its rules.
import { reduce } from './reduce'
import { initial, step, type Effect, type Input, type Step } from './state'

/** A token for a first call. */
export const token = {
  value: 'secret',
  expires_at: '2026-01-01T00:00:00Z',
  calls_url: '/calls',
  call: 1,
  model: 'm',
}

/** The inputs that lead, each from the one before, from the start to the talk. */
export const toSession: Input[] = [{ type: 'start' }, { type: 'microphone_opened' }]
export const toToken: Input[] = [...toSession, { type: 'session_opened' }]
export const toCall: Input[] = [...toToken, { type: 'token_issued', token }]
export const toTalking: Input[] = [...toCall, { type: 'call_connected' }]

/** The last step, after all of these inputs. */
export function after(...inputs: Input[]): Step {
  return inputs.reduce((last, input) => reduce(last.state, input), step(initial))
}

/** What effects do, by name. */
export function done(effects: Effect[]): string[] {
  return effects.map((effect) => effect.do)
}
