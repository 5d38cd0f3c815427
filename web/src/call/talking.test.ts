import { describe, expect, test } from 'vitest'
import type { ProblemCode } from '../api/problem'
import type { Input, Why } from './state'
import { after, done, token, toTalking } from './steps'
import { mostRefusals, mostTries } from './talking'

const lost: Input = { type: 'notice', notice: 'microphone_lost', on: true }
const stopped: Input = { type: 'notice', notice: 'recording_stopped', on: true }

describe('talking', () => {
  test('the tutor is asked to open', () => {
    expect(done(after(...toTalking, { type: 'provider_ready' }).effects)).toEqual(['greet'])
  })

  test('the turn follows the provider', () => {
    expect(after(...toTalking, { type: 'turn', turn: 'speaking' }).state).toMatchObject({ turn: 'speaking' })
  })

  test('muting mutes, and is remembered over a disturbance', () => {
    const muted = after(...toTalking, { type: 'mute', on: true })
    expect(muted.effects).toEqual([{ do: 'mute', on: true }])
    const healed = after(
      ...toTalking,
      { type: 'mute', on: true },
      { type: 'call_disturbed' },
      { type: 'call_healed' },
    )
    expect(healed.state).toMatchObject({ name: 'talking', muted: true })
  })

  test('a notice is shown and talking goes on', () => {
    const { state } = after(...toTalking, lost, stopped, lost)
    expect(state).toMatchObject({ name: 'talking', notices: ['microphone_lost', 'recording_stopped'] })
  })

  test('a microphone that is gone is no silent one too, whichever was told first', () => {
    const silent: Input = { type: 'notice', notice: 'microphone_silent', on: true }
    expect(after(...toTalking, silent, lost).state).toMatchObject({ notices: ['microphone_lost'] })
    expect(after(...toTalking, lost, silent).state).toMatchObject({ notices: ['microphone_lost'] })
  })

  test('a notice goes when it is over, and others stay, over a disturbance too', () => {
    const { state } = after(...toTalking, lost, stopped, { type: 'call_disturbed' }, { ...lost, on: false })
    expect(state).toMatchObject({ name: 'reconnecting', notices: ['recording_stopped'] })
  })

  test('the end mutes and stops the recording, with its reason', () => {
    const { state, effects } = after(...toTalking, { type: 'end', why: { cause: 'time_limit' } })
    expect(state).toEqual({ name: 'ending', why: { cause: 'time_limit' } })
    expect(effects).toEqual([
      { do: 'mute', on: true },
      { do: 'stop_recording', reason: 'time_limit' },
    ])
  })
})

describe('a disturbed call', () => {
  const disturbed: Input[] = [...toTalking, { type: 'call_disturbed' }]
  const lost: Input[] = [...disturbed, { type: 'call_lost' }]
  const calling: Input[] = [...lost, { type: 'token_issued', token }]

  test('is given time to heal', () => {
    expect(done(after(...disturbed).effects)).toEqual(['await_healing'])
  })

  test('heals', () => {
    const { state, effects } = after(...disturbed, { type: 'call_healed' })
    expect(state).toMatchObject({ name: 'talking' })
    expect(done(effects)).toEqual(['stop_awaiting'])
  })

  test('that does not heal is noted, and another one is called for', () => {
    const { state, effects } = after(...lost)
    expect(state).toMatchObject({ name: 'reconnecting', phase: 'minting' })
    expect(done(effects)).toEqual(['stop_awaiting', 'drop_call', 'mint'])
  })

  test('that closes at once is replaced at once', () => {
    const { state, effects } = after(...toTalking, { type: 'call_lost' })
    expect(state).toMatchObject({ name: 'reconnecting', phase: 'minting' })
    expect(done(effects)).toEqual(['drop_call', 'mint'])
  })

  test('is noted as dropped only once', () => {
    expect(after(...lost, { type: 'call_lost' }).effects).toEqual([])
  })

  test('that is lost does not heal', () => {
    expect(after(...lost, { type: 'call_healed' }).state).toMatchObject({ phase: 'minting' })
  })

  test('goes on in the next call, muted as before', () => {
    expect(done(after(...calling).effects)).toEqual(['connect'])
    const { state, effects } = after(...calling, { type: 'mute', on: true }, { type: 'call_connected' })
    expect(state).toMatchObject({ name: 'talking', muted: true })
    expect(done(effects)).toEqual(['note_call'])
  })

  test.each([
    ['no token', [...lost, { type: 'token_refused', code: 'offline' }]],
    ['no call', [...calling, { type: 'call_failed' }]],
    ['a call that closes at once', [...calling, { type: 'call_lost' }]],
  ] as [string, Input[]][])('for which there is %s waits and tries again', (_, inputs) => {
    const waiting = after(...inputs)
    expect(waiting.state).toMatchObject({ phase: 'waiting', tries: 1 })
    expect(waiting.effects).toEqual([{ do: 'await_retry', tries: 1 }])
    expect(done(after(...inputs, { type: 'retry' }).effects)).toEqual(['stop_awaiting', 'mint'])
  })

  test('ends for good at the last try, and says why', () => {
    const once: Input[] = [{ type: 'token_refused', code: 'offline' }, { type: 'retry' }]
    const often = Array.from({ length: mostTries - 1 }, () => once).flat()
    expect(after(...lost, ...often).state.name).toBe('reconnecting')
    expect(after(...lost, ...often, { type: 'token_refused', code: 'offline' })).toMatchObject({
      state: { name: 'ending', why: { cause: 'unreachable' } },
      effects: [{ do: 'mute' }, { do: 'stop_recording', reason: 'token_refresh_failed' }],
    })
  })

  test.each(['provider_rate', 'provider_network', 'provider_unavailable'] as const)(
    'ends sooner when the server says that there is no token: %s',
    (code) => {
      const refused: Input = { type: 'token_refused', code }
      const often = Array.from(
        { length: mostRefusals - 1 },
        () => [refused, { type: 'retry' }] as const,
      ).flat()
      expect(after(...lost, ...often).state.name).toBe('reconnecting')
      expect(after(...lost, ...often, refused).state).toEqual({
        name: 'ending',
        why: { cause: 'refused', code },
      })
    },
  )

  test.each([
    ['used_up', { cause: 'refused', code: 'used_up' }],
    ['unauthenticated', { cause: 'refused', code: 'unauthenticated' }],
    ['ended', { cause: 'refused', code: 'ended' }],
    ['provider_quota', { cause: 'refused', code: 'provider_quota' }],
    ['provider_key', { cause: 'refused', code: 'provider_key' }],
    ['provider_model_gone', { cause: 'refused', code: 'provider_model_gone' }],
  ] as [ProblemCode, Why][])('ends at once where asking again does not help: %s', (code, why) => {
    expect(after(...lost, { type: 'token_refused', code }).state).toEqual({ name: 'ending', why })
  })

  test('can be ended at any time', () => {
    for (const inputs of [disturbed, lost, calling]) {
      const { state, effects } = after(...inputs, { type: 'end', why: { cause: 'learner' } })
      expect(state.name).toBe('ending')
      expect(done(effects)).toEqual(['stop_awaiting', 'mute', 'stop_recording'])
    }
  })
})

describe('rolling over', () => {
  const near: Input = { type: 'roll_over', endsAt: 9, last: false }
  const minting: Input[] = [...toTalking, { type: 'turn', turn: 'speaking' }, near]
  const calling: Input[] = [...minting, { type: 'token_issued', token }]
  const ready: Input[] = [...calling, { type: 'next_ready' }]

  test('prepares the next call while people talk', () => {
    expect(done(after(...minting).effects)).toEqual(['mint'])
    expect(done(after(...calling).effects)).toEqual(['prepare'])
    expect(after(...ready)).toMatchObject({
      state: { turn: 'speaking', next: { step: 'ready' } },
      effects: [],
    })
  })

  test('takes over in the next pause', () => {
    const { state, effects } = after(...ready, { type: 'turn', turn: 'listening' })
    expect(state).toMatchObject({ name: 'talking', next: null })
    expect(done(effects)).toEqual(['switch'])
  })

  test('takes over at once when it is quiet already', () => {
    const quiet: Input = { type: 'turn', turn: 'listening' }
    expect(done(after(...calling, quiet, { type: 'next_ready' }).effects)).toEqual(['switch'])
  })

  test.each(['hearing', 'thinking'] as const)('does not cut who is %s', (turn) => {
    expect(after(...ready, { type: 'turn', turn }).effects).toEqual([])
  })

  test('takes over at the last moment, whoever speaks', () => {
    expect(after(...ready, near).effects).toEqual([])
    expect(done(after(...ready, { ...near, last: true }).effects)).toEqual(['switch'])
  })

  test('takes over when the present call is lost', () => {
    const { state, effects } = after(...ready, { type: 'call_lost' })
    expect(state).toMatchObject({ name: 'talking', next: null })
    expect(done(effects)).toEqual(['drop_call', 'switch'])
  })

  test('uses the token under way when the present call is lost', () => {
    const { state, effects } = after(...minting, { type: 'call_lost' })
    expect(state).toMatchObject({ name: 'reconnecting', phase: 'minting' })
    expect(done(effects)).toEqual(['drop_call'])
  })

  test('is given up for a new call when the present one is lost', () => {
    expect(done(after(...calling, { type: 'call_lost' }).effects)).toEqual(['drop_call', 'drop_next', 'mint'])
  })

  test('is let go when the line is disturbed', () => {
    expect(done(after(...ready, { type: 'call_disturbed' }).effects)).toEqual(['drop_next', 'await_healing'])
  })

  test('is tried again at the next reminder when nobody answered', () => {
    const offline = after(...minting, { type: 'token_refused', code: 'offline' })
    expect(offline.state).toMatchObject({ next: null })
    expect(done(after(...minting, { type: 'token_refused', code: 'offline' }, near).effects)).toEqual([
      'mint',
    ])
    const failed = after(...ready, { type: 'next_failed' })
    expect(failed.state).toMatchObject({ next: null })
    expect(done(failed.effects)).toEqual(['drop_next'])
  })

  test('is not tried again when it is refused: the end is near, and told', () => {
    const refused: Input[] = [...minting, { type: 'token_refused', code: 'provider_unavailable' }]
    expect(after(...refused).state).toMatchObject({ next: { step: 'refused', endsAt: 9 } })
    expect(after(...refused, near).effects).toEqual([])
  })
})
