import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FirstAudio, isOver, linesAfter, readEvent, relayed, toldBy, turnAfter } from './provider'

describe('reading a message', () => {
  test('gives the event', () => {
    expect(readEvent('{"type":"session.created","x":1}')).toEqual({ type: 'session.created', x: 1 })
  })

  test.each([['not json'], ['null'], ['[]'], ['"text"'], ['{}'], ['{"type":1}'], [new ArrayBuffer(2)]])(
    'gives nothing for %s',
    (data) => {
      expect(readEvent(data)).toBeUndefined()
    },
  )

  test('is total', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (data) => {
        const event = readEvent(data)
        if (!event) return
        linesAfter(event)
        toldBy({ ...event, type: 'session.created' })
        isOver({ ...event, type: 'error' })
      }),
    )
  })
})

describe('relaying', () => {
  test.each([
    ['response.output_audio_transcript.delta', false],
    ['conversation.item.input_audio_transcription.delta', false],
    ['parley.lines', false],
    ['response.output_audio_transcript.done', true],
    ['something.new', true],
  ])('of %s: %s', (type, is) => {
    expect(relayed({ type })).toBe(is)
  })
})

describe('whose turn it is', () => {
  test.each([
    [{ type: 'input_audio_buffer.speech_started' }, 'hearing'],
    [{ type: 'input_audio_buffer.speech_stopped' }, 'thinking'],
    [{ type: 'output_audio_buffer.started' }, 'speaking'],
    [{ type: 'output_audio_buffer.stopped' }, 'listening'],
    [{ type: 'response.done', response: { status: 'failed' } }, 'listening'],
    [{ type: 'response.done', response: { status: 'completed' } }, undefined],
    [{ type: 'rate_limits.updated' }, undefined],
    [{ type: 'constructor' }, undefined],
  ])('after %o: %s', (event, turn) => {
    expect(turnAfter(event)).toBe(turn)
  })
})

describe('what the provider tells of a call', () => {
  test('is its end, in ms, and how turns are told apart', () => {
    const session = {
      expires_at: 1_700_000_000,
      audio: { input: { turn_detection: { type: 'semantic_vad' } } },
    }
    expect(toldBy({ type: 'session.created', session })).toEqual({
      endsAt: 1_700_000_000_000,
      turnDetection: { type: 'semantic_vad' },
      beta: false,
    })
  })

  test.each([{ type: 'server_vad' }, null])('is read in the shape of the beta too: %j', (turn_detection) => {
    const session = { expires_at: 1_700_000_000, modalities: ['audio', 'text'], turn_detection }
    expect(toldBy({ type: 'session.created', session })).toEqual({
      endsAt: 1_700_000_000_000,
      turnDetection: turn_detection,
      beta: true,
    })
  })

  test.each([
    [{ audio: { input: { turn_detection: null } } }, null],
    [{ audio: { input: {} } }, undefined],
    [7, undefined],
  ])('may leave things out: %j', (session, turnDetection) => {
    expect(toldBy({ type: 'session.updated', session })).toEqual({
      endsAt: undefined,
      turnDetection,
      beta: false,
    })
  })

  test('is in no other event', () => {
    expect(toldBy({ type: 'response.done', session: {} })).toBeUndefined()
  })

  test.each([
    [{ type: 'error', error: { code: 'session_expired' } }, true],
    [{ type: 'error', error: { code: 'invalid_value' } }, false],
    [{ type: 'error' }, false],
    [{ type: 'session.updated', error: { code: 'session_expired' } }, false],
  ])('is that it is over by %j: %s', (event, over) => {
    expect(isOver(event)).toBe(over)
  })
})

describe('the lines on offer', () => {
  test('are read, without what is none', () => {
    const lines = [{ id: 'a', text: 'Hello', expected_ms: 900 }, { id: 1 }, null]
    expect(linesAfter({ type: 'parley.lines', exchange: 1, lines })).toEqual([{ id: 'a', text: 'Hello' }])
  })

  test('go when the learner has spoken', () => {
    expect(linesAfter({ type: 'input_audio_buffer.committed', item_id: 'a' })).toEqual([])
  })

  test('stay at any other event', () => {
    expect(linesAfter({ type: 'response.done' })).toBeUndefined()
  })
})

describe('the first sound', () => {
  const started = { type: 'output_audio_buffer.started' }
  const began = (audio_start_ms?: number) => ({ type: 'input_audio_buffer.speech_started', audio_start_ms })
  const stopped = (audio_end_ms?: number) => ({ type: 'input_audio_buffer.speech_stopped', audio_end_ms })

  test('counts from the connect before anybody spoke', () => {
    expect(new FirstAudio(1000).after(started, 1400)).toBe(400)
  })

  test.each([1_500, 9_000])('counts from the end of speech, told %i ms later', (silence) => {
    const measure = new FirstAudio(1000)
    measure.after(began(2000), 3100)
    measure.after(stopped(4000), 5000 + silence)
    expect(measure.after(started, 5000 + silence + 400)).toBe(silence + 400)
  })

  test.each([
    [1500, 1000],
    [1501, 300],
  ])('believes a clock that was %i ms off when she began: %i', (off, after) => {
    const measure = new FirstAudio(1000)
    measure.after(began(2000), 3000 + off)
    measure.after(stopped(9000), 10_700)
    expect(measure.after(started, 11_000)).toBe(after)
  })

  test('counts from when the call took over, when it stood before', () => {
    const measure = new FirstAudio(1000)
    measure.startOver(90_000)
    expect(measure.after(started, 90_400)).toBe(400)
  })

  test.each([
    [began(), stopped(4000)],
    [began(4000), stopped()],
  ])('counts from the message when there is no time', (beginning, end) => {
    const measure = new FirstAudio(1000)
    measure.after(beginning, 5000)
    measure.after(end, 5000)
    expect(measure.after(started, 5300)).toBe(300)
  })
})
