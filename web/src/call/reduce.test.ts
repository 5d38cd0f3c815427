import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reduce } from './reduce'
import { initial, type Effect, type Input, type State } from './state'
import { after, done, toCall, token, toSession, toTalking, toToken } from './steps'

const toEnding: Input[] = [...toTalking, { type: 'end', why: { cause: 'learner' } }]
const toSaving: Input[] = [...toEnding, { type: 'recording_stopped' }]
const toNotSaved: Input[] = [...toSaving, { type: 'not_saved', code: 'offline', detail: '' }]

describe('before the start', () => {
  test('a check asks for the microphone', () => {
    const { state, effects } = after({ type: 'check' })
    expect(state).toEqual({ name: 'idle', microphone: 'asked', trouble: null })
    expect(done(effects)).toEqual(['open_microphone'])
  })

  test('a refused check says why and can be repeated', () => {
    const { state } = after({ type: 'check' }, { type: 'microphone_refused', trouble: 'denied' })
    expect(state).toEqual({ name: 'idle', microphone: 'untried', trouble: 'denied' })
  })

  test('a checked microphone is not opened again', () => {
    const { state, effects } = after({ type: 'check' }, { type: 'microphone_opened' }, { type: 'start' })
    expect(state).toEqual({ name: 'connecting', step: 'session' })
    expect(done(effects)).toEqual(['open_session'])
  })

  test('leaving lets go of the microphone', () => {
    expect(done(after({ type: 'check' }, { type: 'cancel' }).effects)).toEqual(['release'])
  })
})

describe('connecting', () => {
  test.each([
    [[{ type: 'start' }], 'microphone', 'open_microphone'],
    [toSession, 'session', 'open_session'],
    [toToken, 'token', 'mint'],
    [toCall, 'call', 'connect'],
  ] as [Input[], string, string][])('goes step by step: %#', (inputs, step, effect) => {
    const last = after(...inputs)
    expect(last.state).toEqual({ name: 'connecting', step })
    expect(done(last.effects)).toEqual([effect])
  })

  test('a connected call starts the recording', () => {
    const { state, effects } = after(...toTalking)
    expect(state).toMatchObject({ name: 'talking', muted: false })
    expect(done(effects)).toEqual(['start_recording', 'note_call'])
  })

  test.each([
    [
      [{ type: 'start' }, { type: 'microphone_refused', trouble: 'busy' }],
      { what: 'microphone', trouble: 'busy' },
    ],
    [[...toSession, { type: 'session_refused', reason: { what: 'storage' } }], { what: 'storage' }],
  ] as [Input[], object][])('a failure before the session is let go: %#', (inputs, reason) => {
    const { state, effects } = after(...inputs)
    expect(state).toEqual({ name: 'failed', reason, saveable: false })
    expect(done(effects)).toEqual(['release'])
  })

  test.each([
    [
      [...toToken, { type: 'token_refused', code: 'provider_unavailable' }],
      { what: 'token', code: 'provider_unavailable' },
    ],
    [[...toCall, { type: 'call_failed' }], { what: 'call' }],
    [[...toCall, { type: 'cancel' }], { what: 'cancelled' }],
  ] as [Input[], object][])('a failure after it also ends the session: %#', (inputs, reason) => {
    const { state, effects } = after(...inputs)
    expect(state).toEqual({ name: 'failed', reason, saveable: false })
    expect(done(effects)).toEqual(['release', 'close_session'])
  })

  test('a session that opens after the learner left is ended', () => {
    const { effects } = after(...toSession, { type: 'cancel' }, { type: 'session_opened' })
    expect(done(effects)).toEqual(['close_session'])
  })

  test('a microphone that opens after the learner left is let go', () => {
    const { effects } = after({ type: 'start' }, { type: 'cancel' }, { type: 'microphone_opened' })
    expect(done(effects)).toEqual(['release'])
  })
})

describe('saving', () => {
  test('begins when the last slice is kept', () => {
    expect(after(...toEnding).state.name).toBe('ending')
    const { state, effects } = after(...toSaving)
    expect(state).toMatchObject({ name: 'saving', stage: 'recorded', share: 0 })
    expect(done(effects)).toEqual(['save'])
  })

  test('shows how far it is', () => {
    const { state } = after(...toSaving, { type: 'progress', stage: 'uploading', share: 0.5, size: 8 })
    expect(state).toMatchObject({ name: 'saving', stage: 'uploading', share: 0.5 })
  })

  test('says what it waits for, and how far it is all the same', () => {
    const inputs: Input[] = [
      ...toSaving,
      { type: 'progress', stage: 'uploading', share: 0.5, size: 8 },
      { type: 'waiting', code: 'offline' },
    ]
    expect(after(...inputs).state).toMatchObject({ share: 0.5, waits: 'offline' })
    const goesOn = after(...inputs, { type: 'progress', stage: 'uploading', share: 0.6, size: 8 })
    expect(goesOn.state).toMatchObject({ share: 0.6, waits: 'offline' })
    expect(after(...inputs, { type: 'waiting', code: null }).state).toMatchObject({ share: 0.5, waits: null })
  })

  test('ends as saved', () => {
    expect(after(...toSaving, { type: 'saved' }).state).toEqual({ name: 'saved', why: { cause: 'learner' } })
  })

  test('that fails is offered again', () => {
    expect(after(...toNotSaved).state).toMatchObject({ name: 'failed', saveable: true })
    expect(done(after(...toNotSaved, { type: 'save' }).effects)).toEqual(['save'])
  })
})

describe('any sequence of inputs', () => {
  const input: fc.Arbitrary<Input> = fc.oneof(
    ...(
      [
        'check',
        'start',
        'cancel',
        'microphone_opened',
        'session_opened',
        'call_connected',
        'call_failed',
        'save',
      ] as const
    ).map((type) => fc.constant({ type })),
    ...(
      ['call_disturbed', 'call_healed', 'call_lost', 'provider_ready', 'recording_stopped', 'saved'] as const
    ).map((type) => fc.constant({ type })),
    fc.constant<Input>({ type: 'token_issued', token }),
    fc.constant<Input>({ type: 'token_refused', code: 'offline' }),
    fc.constant<Input>({ type: 'microphone_refused', trouble: 'denied' }),
    fc.constant<Input>({ type: 'session_refused', reason: { what: 'storage' } }),
    fc.constant<Input>({ type: 'not_saved', code: 'offline', detail: '' }),
    fc.constant<Input>({ type: 'end', why: { cause: 'learner' } }),
    fc.constantFrom<Input>({ type: 'retry' }, { type: 'next_ready' }, { type: 'next_failed' }),
    fc.constantFrom('listening' as const, 'hearing' as const).map((turn): Input => ({ type: 'turn', turn })),
    fc.boolean().map((last): Input => ({ type: 'roll_over', endsAt: 9, last })),
    fc.boolean().map((on): Input => ({ type: 'mute', on })),
    fc
      .constantFrom('recorded' as const, 'uploading' as const, 'checking' as const)
      .map((stage): Input => ({ type: 'progress', stage, share: 0.3, size: 8 })),
    fc.constantFrom('offline' as const, null).map((code): Input => ({ type: 'waiting', code })),
  )

  const recorded = new Set<State['name']>(['talking', 'reconnecting', 'ending', 'saving'])

  test('never loses what was recorded: pressing "End" and saving leads to saved', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...toTalking) }, { weight: 5, arbitrary: input }),
          { maxLength: 60 },
        ),
        (inputs) => {
          let state = initial
          let talked = false
          for (const each of inputs) {
            state = reduce(state, each).state
            talked ||= state.name === 'talking'
            if (talked)
              expect(recorded.has(state.name) || state.name === 'saved' || offersSaving(state)).toBe(true)
          }
          if (talked) expect(pressOn(state).name).toBe('saved')
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('never starts recording or saving twice at the same time', () => {
    fc.assert(
      fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
        const effects: Effect[] = []
        let state = initial
        for (const each of inputs) {
          const step = reduce(state, each)
          if (step.effects.some((effect) => effect.do === 'save')) expect(state.name).not.toBe('saving')
          state = step.state
          effects.push(...step.effects)
        }
        expect(effects.filter((effect) => effect.do === 'start_recording').length).toBeLessThanOrEqual(1)
      }),
    )
  })

  function offersSaving(state: State): boolean {
    return state.name === 'failed' && state.saveable
  }

  function pressOn(state: State): State {
    const inputs: Input[] = [
      { type: 'save' },
      { type: 'end', why: { cause: 'learner' } },
      { type: 'recording_stopped' },
      { type: 'saved' },
    ]
    return inputs.reduce((last, input) => reduce(last, input).state, state)
  }
})
