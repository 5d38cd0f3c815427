import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ProviderEvent } from '../call/provider'
import { awaitsText, brokenOff, captioned, type Captions } from './captions'
import { Ongoing } from './ongoing'

function shown(...events: ProviderEvent[]): Captions {
  return events.reduce<Captions>(captioned, [])
}

const started = (item_id: string): ProviderEvent => ({ type: 'input_audio_buffer.speech_started', item_id })
const committed = (item_id: string, previous_item_id: string | null): ProviderEvent => ({
  type: 'input_audio_buffer.committed',
  item_id,
  previous_item_id,
})
const completed = (item_id: string, transcript: string, more = {}): ProviderEvent => ({
  type: 'conversation.item.input_audio_transcription.completed',
  item_id,
  transcript,
  ...more,
})
const added = (
  id: string,
  role: string,
  previous_item_id: string | null,
  content: object[] = [],
): ProviderEvent => ({
  type: 'conversation.item.added',
  previous_item_id,
  item: { id, type: 'message', role, content },
})
const delta = (item_id: string, delta: string): ProviderEvent => ({
  type: 'response.output_audio_transcript.delta',
  item_id,
  delta,
})
const said = (item_id: string, transcript: string): ProviderEvent => ({
  type: 'response.output_audio_transcript.done',
  item_id,
  transcript,
})

describe('captions', () => {
  test('show the learner from her first sound, and her text when it comes', () => {
    const open = shown(started('a'))
    expect(open).toMatchObject([{ speaker: 'learner', status: 'open', text: '' }])
    expect(awaitsText(open)).toBe(true)
    const final = shown(started('a'), completed('a', ' Hello.\n'))
    expect(final).toMatchObject([{ status: 'final', text: 'Hello.' }])
    expect(awaitsText(final)).toBe(false)
  })

  test('keep the order of the conversation when the learner’s text comes late', () => {
    const captions = shown(
      started('a'),
      committed('a', null),
      added('b', 'assistant', 'a'),
      said('b', 'Two'),
      completed('a', 'One'),
    )
    expect(captions.map(({ text }) => text)).toEqual(['One', 'Two'])
  })

  test('move a turn to its place when it learns its predecessor', () => {
    const captions = shown(started('a'), delta('b', 'Two'), committed('c', null), committed('c', 'a'))
    expect(captions.map(({ id }) => id)).toEqual(['a', 'c', 'b'])
  })

  test('grow with each piece and end with the whole', () => {
    expect(shown(delta('b', 'Good '), delta('b', 'mor'))).toMatchObject([
      { text: 'Good mor', status: 'open' },
    ])
    expect(shown(delta('b', 'Good '), said('b', 'Good morning'), delta('b', '!'))).toMatchObject([
      { text: 'Good morning', status: 'final' },
    ])
  })

  test.each([
    'response.output_audio_transcript',
    'response.audio_transcript',
    'response.output_text',
    'response.text',
  ])('take the tutor’s words as %s', (name) => {
    const grown = { type: `${name}.delta`, item_id: 'b', delta: 'Good mor' }
    expect(shown(grown)).toMatchObject([{ speaker: 'tutor', text: 'Good mor', status: 'open' }])
    const field = name.endsWith('text') ? 'text' : 'transcript'
    expect(shown(grown, { type: `${name}.done`, item_id: 'b', [field]: 'Good morning\n' })).toMatchObject([
      { text: 'Good morning', status: 'final' },
    ])
  })

  test('replace a text that comes twice', () => {
    expect(shown(completed('a', 'One'), completed('a', 'One'))).toHaveLength(1)
  })

  test('show a prompted line as prompted, and an empty one as empty', () => {
    expect(shown(completed('a', 'A line', { prompted: true }))).toMatchObject([{ status: 'prompted' }])
    expect(shown(completed('a', ' '))).toMatchObject([{ status: 'empty' }])
  })

  test('mark a failed turn', () => {
    const failed = { type: 'conversation.item.input_audio_transcription.failed', item_id: 'a' }
    expect(shown(started('a'), failed)).toMatchObject([{ status: 'failed' }])
  })

  test('mark an interrupted turn and keep its text', () => {
    const truncated = { type: 'conversation.item.truncated', item_id: 'b', audio_end_ms: 20 }
    expect(shown(said('b', 'Long story'), truncated)).toMatchObject([
      { interrupted: true, text: 'Long story' },
    ])
  })

  test('show what was written', () => {
    const captions = shown(added('a', 'user', null, [{ type: 'input_text', text: 'Hi' }]))
    expect(captions).toMatchObject([{ speaker: 'learner', status: 'final', text: 'Hi' }])
  })

  test('are not moved by events that mean nothing here', () => {
    expect(shown({ type: 'constructor' }, { type: 'toString' }, { type: 'something.new' })).toEqual([])
  })

  test('leave out system items', () => {
    expect(shown(added('x', 'system', null))).toEqual([])
  })

  test('have one caption per item, whatever arrives in whatever order', () => {
    const ids = fc.constantFrom('a', 'b', 'c')
    const event = fc.oneof(
      ids.map(started),
      fc.tuple(ids, fc.option(ids)).map(([id, previous]) => committed(id, previous)),
      fc.tuple(ids, ids).map(([id, previous]) => added(id, 'assistant', previous)),
      ids.map((id) => delta(id, 'x')),
      ids.map((id) => completed(id, 'x')),
      fc.record({ type: fc.string(), item_id: fc.anything(), item: fc.anything() }),
    )
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const all = shown(...events).map(({ id }) => id)
        expect(new Set(all).size).toBe(all.length)
      }),
    )
  })
})

describe('captions of several calls', () => {
  test('do not show again what the page carried into a new call', () => {
    const before = shown(added('a', 'user', null, [{ type: 'input_text', text: 'Hi' }]))
    const again = added('carried_2_1', 'user', null, [{ type: 'input_text', text: 'Hi' }])
    expect(captioned(before, again)).toBe(before)
  })

  test('wait for no text of a call that is gone', () => {
    const gone = brokenOff(shown(added('t', 'assistant', null), delta('t', 'Good mor'), started('l')))
    expect(gone).toMatchObject([
      { id: 't', status: 'final', text: 'Good mor', interrupted: true },
      { id: 'l', status: 'failed', text: '' },
    ])
    expect(awaitsText(gone)).toBe(false)
  })

  test('hide a turn of the tutor’s that was never heard', () => {
    expect(brokenOff(shown(added('t', 'assistant', null)))).toMatchObject([{ status: 'empty' }])
  })

  test('are left alone when nothing is outstanding', () => {
    const all = shown(added('t', 'assistant', null), said('t', 'Hello'))
    expect(brokenOff(all)).toBe(all)
  })
})

describe('the end of waiting for texts', () => {
  const never = () => new Promise<void>(() => undefined)

  test('is at once when none is outstanding', async () => {
    await new Ongoing(never, () => undefined).textsIn(1)
  })

  test('is for everybody when the last one comes', async () => {
    const ongoing = new Ongoing(never, () => undefined)
    ongoing.take(started('a'))
    const both = Promise.all([ongoing.textsIn(1), ongoing.textsIn(2)])
    ongoing.take(completed('a', 'Hi'))
    await both
    expect(ongoing.begun).toBe(true)
  })

  test('is when it takes too long', async () => {
    const ongoing = new Ongoing(
      () => Promise.resolve(),
      () => undefined,
    )
    ongoing.take(started('a'))
    await ongoing.textsIn(1)
    expect(ongoing.captions).toMatchObject([{ status: 'open' }])
  })
})
