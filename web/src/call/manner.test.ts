import { describe, expect, test } from 'vitest'
import { remember, remembered, speedEvent, turnsEvent, usual, type Manner } from './manner'

function detection(manner: Partial<Manner>, told?: Record<string, unknown>) {
  const event = turnsEvent({ ...usual, ...manner }, { endsAt: undefined, turnDetection: told, beta: false })
  return (event as unknown as { session: { audio: { input: { turn_detection: unknown } } } }).session.audio
    .input.turn_detection
}

describe('turns', () => {
  test('by hand need no detection', () => {
    expect(detection({ turns: 'push_to_talk' })).toBeNull()
  })

  test.each([
    ['low', 'high'],
    ['normal', 'auto'],
    ['high', 'low'],
  ] as const)('of patience %s are told apart with eagerness %s', (patience, eagerness) => {
    expect(detection({ patience })).toEqual({
      type: 'semantic_vad',
      eagerness,
      create_response: true,
      interrupt_response: true,
    })
  })

  test('by level keep what the provider said of them', () => {
    const told = { type: 'server_vad', threshold: 0.7, prefix_padding_ms: 200, eagerness: 'x' }
    expect(detection({ patience: 'high' }, told)).toEqual({
      type: 'server_vad',
      threshold: 0.7,
      prefix_padding_ms: 200,
      silence_duration_ms: 1200,
      create_response: true,
      interrupt_response: true,
    })
  })
})

describe('a server of the beta', () => {
  const asked = (manner: Partial<Manner>, turnDetection?: Record<string, unknown> | null) =>
    turnsEvent({ ...usual, ...manner }, { endsAt: undefined, turnDetection, beta: true })

  test('is told of turns by hand in its own shape', () => {
    expect(asked({ turns: 'push_to_talk' })).toEqual({
      type: 'session.update',
      session: { turn_detection: null },
    })
  })

  test.each([[{ type: 'server_vad' }], [null], [undefined]])(
    'tells turns apart by level after %j',
    (told) => {
      expect(asked({ patience: 'high' }, told)).toMatchObject({
        session: { turn_detection: { type: 'server_vad', silence_duration_ms: 1200 } },
      })
    },
  )

  test('keeps to eagerness where it has that', () => {
    expect(asked({ patience: 'high' }, { type: 'semantic_vad' })).toMatchObject({
      session: { turn_detection: { type: 'semantic_vad', eagerness: 'low' } },
    })
  })

  test('is asked for a speed in its own shape', () => {
    expect(
      speedEvent({ ...usual, speed: 0.7 }, { endsAt: undefined, turnDetection: null, beta: true }),
    ).toEqual({
      type: 'session.update',
      session: { speed: 0.7 },
    })
  })
})

test('the speed is asked for by itself', () => {
  expect(speedEvent({ ...usual, speed: 0.7 }, undefined)).toEqual({
    type: 'session.update',
    session: { type: 'realtime', audio: { output: { speed: 0.7 } } },
  })
})

describe('a manner on this device', () => {
  const store = (value: string | null) => ({ getItem: () => value })

  test('is remembered', () => {
    const manner: Manner = { turns: 'push_to_talk', patience: 'high', speed: 0.85 }
    let kept = ''
    remember(manner, { setItem: (_, value) => (kept = value) })
    expect(remembered(store(kept))).toEqual(manner)
  })

  test.each([null, 'not json', '7', 'null', '{"turns":1,"patience":"toString","speed":9}'])(
    'that makes no sense is as usual: %s',
    (value) => {
      expect(remembered(store(value))).toEqual(usual)
    },
  )

  test('is as usual where nothing may be kept', () => {
    const refusing = () => {
      throw new DOMException('', 'SecurityError')
    }
    remember(usual, { setItem: refusing })
    expect(remembered({ getItem: refusing })).toEqual(usual)
  })
})
