import { step, type FailureReason, type Input, type Of, type State, type Step, type Why } from './state'
import { reconnecting, talking } from './talking'

type Rules = { [Name in State['name']]: (state: Of<Name>, input: Input) => Step }

/**
 * The life of one conversation: a state and an input give the next state and
 * what to do. Pure. An input that means nothing in a state, for instance the
 * late answer to a question no longer asked, changes nothing, except that what
 * it brought is let go.
 */
export function reduce(state: State, input: Input): Step {
  const rule = rules[state.name] as (state: State, input: Input) => Step
  return rule(state, input)
}

const rules: Rules = { idle, connecting, talking, reconnecting, ending, saving, saved: over, failed }

function idle(state: Of<'idle'>, input: Input): Step {
  switch (input.type) {
    case 'check':
      return step({ name: 'idle', microphone: 'asked', trouble: null }, { do: 'open_microphone' })
    case 'microphone_opened':
      return step({ ...state, microphone: 'heard' })
    case 'microphone_refused':
      return step({ name: 'idle', microphone: 'untried', trouble: input.trouble })
    case 'start':
      if (state.microphone === 'heard')
        return step({ name: 'connecting', step: 'session' }, { do: 'open_session' })
      return step({ name: 'connecting', step: 'microphone' }, { do: 'open_microphone' })
    case 'cancel':
      return step(failure({ what: 'cancelled' }), { do: 'release' })
    default:
      return step(state)
  }
}

function connecting(state: Of<'connecting'>, input: Input): Step {
  switch (input.type) {
    case 'microphone_opened':
      if (state.step !== 'microphone') return step(state)
      return step({ name: 'connecting', step: 'session' }, { do: 'open_session' })
    case 'microphone_refused':
      return giveUp(state, { what: 'microphone', trouble: input.trouble })
    case 'session_opened':
      return step({ name: 'connecting', step: 'token' }, { do: 'mint' })
    case 'session_refused':
      return giveUp(state, input.reason)
    case 'token_issued':
      return step({ name: 'connecting', step: 'call' }, { do: 'connect', token: input.token })
    case 'token_refused':
      return giveUp(state, { what: 'token', code: input.code })
    case 'call_connected':
      return step(
        { name: 'talking', turn: 'thinking', muted: false, notices: [], next: null },
        { do: 'start_recording' },
        { do: 'note_call' },
      )
    case 'call_failed':
    case 'call_lost':
      return giveUp(state, { what: 'call' })
    case 'cancel':
    case 'end':
      return giveUp(state, { what: 'cancelled' })
    default:
      return step(state)
  }
}

function giveUp(state: Of<'connecting'>, reason: FailureReason): Step {
  const opened = state.step === 'token' || state.step === 'call'
  return step(failure(reason), { do: 'release' }, ...(opened ? [{ do: 'close_session' } as const] : []))
}

function failure(reason: FailureReason): State {
  return { name: 'failed', reason, saveable: false }
}

function ending(state: Of<'ending'>, input: Input): Step {
  if (input.type !== 'recording_stopped') return step(state)
  return step(beginning(state.why), { do: 'save' })
}

function beginning(why: Why): State {
  return { name: 'saving', why, stage: 'recorded', share: 0, size: 0, waits: null }
}

function saving(state: Of<'saving'>, input: Input): Step {
  const { why } = state
  switch (input.type) {
    case 'progress':
      return step({ ...state, stage: input.stage, share: input.share, size: input.size })
    case 'waiting':
      return step({ ...state, waits: input.code })
    case 'saved':
      return step({ name: 'saved', why }, { do: 'release' })
    case 'not_saved': {
      const reason = { what: 'saving', code: input.code, detail: input.detail, why } as const
      return step({ name: 'failed', reason, saveable: true }, { do: 'release' })
    }
    default:
      return step(state)
  }
}

function failed(state: Of<'failed'>, input: Input): Step {
  if (input.type === 'save' && state.reason.what === 'saving') {
    return step(beginning(state.reason.why), { do: 'save' })
  }
  return over(state, input)
}

// Answers that come after the learner left: nobody is there to use what they bring.
function over(state: State, input: Input): Step {
  if (input.type === 'session_opened') return step(state, { do: 'close_session' })
  if (input.type === 'microphone_opened' || input.type === 'call_connected')
    return step(state, { do: 'release' })
  return step(state)
}
