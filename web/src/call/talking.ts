// The rules while people talk: a call that is disturbed, replaced, or rolled over.
import type { ProblemCode } from '../api/problem'
import type { EndReason } from '../api/types'
import { step, type Effect, type Input, type Notice, type Of, type Step, type Why } from './state'

type Talking = Of<'talking'>
type Reconnecting = Of<'reconnecting'>
type Told = Extract<Input, { type: 'notice' }>

/** How often a new call is tried while nobody answers: some two minutes. */
export const mostTries = 10
/** How often while the server answers that there is none: some ten seconds. */
export const mostRefusals = 5

/** What asking again does not change. */
const final: ReadonlySet<ProblemCode> = new Set<ProblemCode>([
  'unauthenticated',
  'forbidden',
  'not_found',
  'invalid',
  'conflict',
  'ended',
  'used_up',
  'too_many_calls',
  'provider_quota',
  'provider_key',
  'provider_model_gone',
])

/** Nobody is there who could know: neither a token nor a refusal. */
const silent: ReadonlySet<ProblemCode> = new Set<ProblemCode>(['offline', 'unavailable', 'unknown'])

/** While the call stands. */
export function talking(state: Talking, input: Input): Step {
  switch (input.type) {
    case 'provider_ready':
      return step(state, { do: 'greet' })
    case 'turn':
      return atPause({ ...state, turn: input.turn })
    case 'mute':
      return step({ ...state, muted: input.on }, { do: 'mute', on: input.on })
    case 'notice':
      return step({ ...state, notices: noted(state.notices, input) })
    case 'call_disturbed':
      return step(
        { ...disturbed(state), phase: 'healing' },
        ...(state.next ? [{ do: 'drop_next' } as const] : []),
        { do: 'await_healing' },
      )
    case 'call_lost':
      return lost(state)
    case 'end':
      return end(input.why)
    default:
      return rollingOver(state, input)
  }
}

function rollingOver(state: Talking, input: Input): Step {
  const { next } = state
  switch (input.type) {
    case 'roll_over':
      if (!next) return step({ ...state, next: { step: 'minting', endsAt: input.endsAt } }, { do: 'mint' })
      return next.step === 'ready' && input.last ? takeOver(state) : step(state)
    case 'token_issued':
      if (next?.step !== 'minting') return step(state)
      return step({ ...state, next: { ...next, step: 'calling' } }, { do: 'prepare', token: input.token })
    case 'token_refused':
      if (next?.step !== 'minting') return step(state)
      // Nobody answered: asked again at the next reminder. A refusal is one.
      return step({ ...state, next: silent.has(input.code) ? null : { ...next, step: 'refused' } })
    case 'next_ready':
      if (next?.step !== 'calling') return step(state)
      return atPause({ ...state, next: { ...next, step: 'ready' } })
    case 'next_failed':
      if (next?.step !== 'calling' && next?.step !== 'ready') return step(state)
      return step({ ...state, next: null }, { do: 'drop_next' })
    default:
      return step(state)
  }
}

// Nobody's words are cut when nobody speaks.
function atPause(state: Talking): Step {
  return state.next?.step === 'ready' && state.turn === 'listening' ? takeOver(state) : step(state)
}

function takeOver(state: Talking): Step {
  return step({ ...state, next: null }, { do: 'switch' })
}

function lost(state: Talking): Step {
  const drop: Effect = { do: 'drop_call', cause: 'closed' }
  switch (state.next?.step) {
    case 'ready':
      return step({ ...state, turn: 'listening', next: null }, drop, { do: 'switch' })
    case 'minting':
      return step({ ...disturbed(state), phase: 'minting' }, drop)
    case 'calling':
      return step({ ...disturbed(state), phase: 'minting' }, drop, { do: 'drop_next' }, { do: 'mint' })
    default:
      return step({ ...disturbed(state), phase: 'minting' }, drop, { do: 'mint' })
  }
}

// Each is shown once, the latest last, until it is over or was read.
function noted(notices: readonly Notice[], { notice, on }: Told): readonly Notice[] {
  if (notices.includes(notice) === on) return notices
  // A microphone that is gone is not silent beside that: one advice at a time.
  if (notice === 'microphone_silent' && notices.includes('microphone_lost')) return notices
  const others = notices.filter(
    (other) => other !== notice && !(notice === 'microphone_lost' && other === 'microphone_silent'),
  )
  return on ? [...others, notice] : others
}

function disturbed({ muted, notices }: Talking): Reconnecting {
  return { name: 'reconnecting', phase: 'healing', tries: 0, muted, notices }
}

/** While it does not. */
export function reconnecting(state: Reconnecting, input: Input): Step {
  switch (input.type) {
    case 'mute':
      return step({ ...state, muted: input.on }, { do: 'mute', on: input.on })
    case 'notice':
      return step({ ...state, notices: noted(state.notices, input) })
    case 'end':
      return end(input.why, { do: 'stop_awaiting' })
    default:
      return phases[state.phase](state, input)
  }
}

type Phase = (state: Reconnecting, input: Input) => Step

const phases: Record<Reconnecting['phase'], Phase> = {
  healing(state, input) {
    if (input.type === 'call_healed') return step(up(state), { do: 'stop_awaiting' })
    if (input.type !== 'call_lost') return step(state)
    return step(
      { ...state, phase: 'minting' },
      { do: 'stop_awaiting' },
      { do: 'drop_call', cause: 'not_healed' },
      { do: 'mint' },
    )
  },
  minting(state, input) {
    if (input.type === 'token_issued')
      return step({ ...state, phase: 'calling' }, { do: 'connect', token: input.token })
    if (input.type !== 'token_refused') return step(state)
    const why = whyOf(input.code)
    if (final.has(input.code)) return end(why)
    return again(state, silent.has(input.code) ? mostTries : mostRefusals, why)
  },
  calling(state, input) {
    if (input.type === 'call_connected') return step(up(state), { do: 'note_call' })
    if (input.type !== 'call_failed' && input.type !== 'call_lost') return step(state)
    return again(state, mostTries, { cause: 'unreachable' })
  },
  waiting(state, input) {
    if (input.type !== 'retry') return step(state)
    return step({ ...state, phase: 'minting' }, { do: 'stop_awaiting' }, { do: 'mint' })
  },
}

function whyOf(code: ProblemCode): Why {
  return silent.has(code) ? { cause: 'unreachable' } : { cause: 'refused', code }
}

function up({ muted, notices }: Reconnecting): Talking {
  return { name: 'talking', turn: 'listening', muted, notices, next: null }
}

function again(state: Reconnecting, most: number, why: Why): Step {
  const tries = state.tries + 1
  if (tries >= most) return end(why)
  return step({ ...state, phase: 'waiting', tries }, { do: 'await_retry', tries })
}

function end(why: Why, ...before: Effect[]): Step {
  return step(
    { name: 'ending', why },
    ...before,
    { do: 'mute', on: true },
    { do: 'stop_recording', reason: reasonOf(why) },
  )
}

// The record's word for it. A session that the server ended already has its own.
function reasonOf(why: Why): EndReason {
  switch (why.cause) {
    case 'refused':
    case 'unreachable':
      return 'token_refresh_failed'
    case 'time_limit':
      return 'time_limit'
    default:
      return 'learner'
  }
}
