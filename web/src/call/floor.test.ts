import { describe, expect, test } from 'vitest'
import { usual } from './manner'
import { Rehearsal, settled } from './rehearsal'

describe('push-to-talk', () => {
  async function byHand(): Promise<Rehearsal> {
    const rehearsal = new Rehearsal({ ...usual, turns: 'push_to_talk' })
    await rehearsal.talk()
    return rehearsal
  }

  test('hears her while the button is held, and no longer', async () => {
    const rehearsal = await byHand()
    expect(rehearsal.muted).toBe(true)
    rehearsal.runner.press()
    expect(rehearsal.muted).toBe(false)
    rehearsal.runner.letGo()
    expect(rehearsal.muted).toBe(true)
  })

  test('makes a turn of it, whose time is that of the button', async () => {
    const rehearsal = await byHand()
    rehearsal.line.sent.length = 0
    rehearsal.now = 10_000
    rehearsal.runner.press()
    rehearsal.now = 12_000
    rehearsal.runner.letGo()
    expect(rehearsal.line.types).toEqual([
      'input_audio_buffer.clear',
      'input_audio_buffer.commit',
      'response.create',
    ])
    rehearsal.now = 12_300
    rehearsal.line.events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l1' })
    await settled()
    expect(rehearsal.told.at(-1)).toMatchObject({
      rec_ms: 12_000,
      event: { type: 'parley.talk_released', item_id: 'l1', held_ms: 2_000 },
    })
  })

  test.each([
    [199, 'input_audio_buffer.clear'],
    [200, 'response.create'],
  ])('of %i ms ends in %s', async (ms, type) => {
    const rehearsal = await byHand()
    rehearsal.runner.press()
    rehearsal.now += ms
    rehearsal.runner.letGo()
    expect(rehearsal.line.types.at(-1)).toBe(type)
  })

  /** Holds the button for a second, up to a moment. */
  function say(rehearsal: Rehearsal, released: number): void {
    rehearsal.now = released - 1_000
    rehearsal.runner.press()
    rehearsal.now = released
    rehearsal.runner.letGo()
  }

  const turns = ({ told }: Rehearsal) =>
    told.filter(({ event }) => (event as { type: string }).type === 'parley.talk_released')

  test('keeps two quick turns apart, whose items are named after both', async () => {
    const rehearsal = await byHand()
    say(rehearsal, 12_000)
    say(rehearsal, 13_100)
    const { events } = rehearsal.line
    events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l1' })
    events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l2' })
    await settled()
    expect(turns(rehearsal)).toMatchObject([
      { rec_ms: 12_000, event: { item_id: 'l1' } },
      { rec_ms: 13_100, event: { item_id: 'l2' } },
    ])
  })

  test('gives a turn that was refused no item, and leaves the next one its own', async () => {
    const rehearsal = await byHand()
    say(rehearsal, 12_000)
    say(rehearsal, 13_100)
    const { events, sent } = rehearsal.line
    const [first] = sent.filter(({ type }) => type === 'input_audio_buffer.commit')
    events.onEvent({
      type: 'error',
      error: { code: 'input_audio_buffer_commit_empty', event_id: first?.event_id },
    })
    events.onEvent({ type: 'error', error: { code: 'something_else' } })
    events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l2' })
    await settled()
    expect(turns(rehearsal).map(({ event }) => (event as { item_id?: string }).item_id)).toEqual([
      undefined,
      'l2',
    ])
  })

  test('names a turn late, and still not by the item of the next', async () => {
    const rehearsal = await byHand()
    say(rehearsal, 12_000)
    await rehearsal.pass(2_000)
    say(rehearsal, 15_000)
    const { events } = rehearsal.line
    events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l1' })
    events.onEvent({ type: 'input_audio_buffer.committed', item_id: 'l2' })
    await settled()
    expect(turns(rehearsal)).toMatchObject([{ rec_ms: 12_000 }, { rec_ms: 15_000, event: { item_id: 'l2' } }])
  })

  test('of a touch too short for a turn is told at once, without an item', async () => {
    const rehearsal = await byHand()
    rehearsal.runner.press()
    rehearsal.now += 199
    rehearsal.runner.letGo()
    expect(turns(rehearsal).map(({ event }) => event)).toEqual([
      { type: 'parley.talk_released', held_ms: 199 },
    ])
  })

  test('cuts the tutor short', async () => {
    const rehearsal = await byHand()
    rehearsal.line.events.onEvent({ type: 'output_audio_buffer.started', response_id: 'r' })
    rehearsal.line.sent.length = 0
    rehearsal.runner.press()
    expect(rehearsal.line.types).toEqual([
      'response.cancel',
      'output_audio_buffer.clear',
      'input_audio_buffer.clear',
    ])
  })
})

describe('the time to the first sound', () => {
  function answered({ line, told }: Rehearsal): unknown {
    line.events.onEvent({ type: 'output_audio_buffer.started', response_id: 'r' })
    return told.findLast(({ event }) => (event as { type: string }).type === 'parley.first_audio')?.event
  }

  test('counts from the release of the button', async () => {
    const rehearsal = new Rehearsal({ ...usual, turns: 'push_to_talk' })
    await rehearsal.talk()
    rehearsal.now = 600_000
    rehearsal.runner.press()
    rehearsal.now = 602_000
    rehearsal.runner.letGo()
    rehearsal.now = 602_400
    expect(answered(rehearsal)).toMatchObject({ after_ms: 400 })
  })

  test('does not count from a touch that is no turn', async () => {
    const rehearsal = new Rehearsal({ ...usual, turns: 'push_to_talk' })
    await rehearsal.talk()
    rehearsal.now = 1_000
    rehearsal.runner.press()
    rehearsal.runner.letGo()
    rehearsal.now = 1_500
    expect(answered(rehearsal)).toMatchObject({ after_ms: 1_500 })
  })

  test('counts from the sending of what is written', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.line.turn('learner', 'l1', 'Hello')
    rehearsal.now = 90_000
    rehearsal.runner.type('And a cake.')
    rehearsal.now = 90_300
    expect(answered(rehearsal)).toMatchObject({ after_ms: 300 })
  })
})

describe('another manner', () => {
  test('of turns holds at once, of speed when the tutor is silent', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    rehearsal.line.events.onEvent({ type: 'output_audio_buffer.started', response_id: 'r' })
    rehearsal.line.sent.length = 0
    rehearsal.runner.adopt({ ...usual, turns: 'push_to_talk', speed: 0.7 })
    expect(rehearsal.line.types).toEqual(['session.update'])
    expect(rehearsal.muted).toBe(true)
    rehearsal.line.events.onEvent({ type: 'output_audio_buffer.stopped', response_id: 'r' })
    expect(rehearsal.line.sent[1]).toMatchObject({ session: { audio: { output: { speed: 0.7 } } } })
  })

  test('is asked of a server of the beta in its own shape', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    const former = rehearsal.line
    former.events.onEvent({ type: 'session.updated', session: { turn_detection: { type: 'server_vad' } } })
    former.sent.length = 0
    rehearsal.runner.adopt({ ...usual, patience: 'high', speed: 0.7 })
    expect(former.sent).toMatchObject([
      { session: { turn_detection: { type: 'server_vad', silence_duration_ms: 1200 } } },
      { session: { speed: 0.7 } },
    ])
    expect(former.sent.some(({ session }) => 'audio' in (session as object))).toBe(false)
  })
})
