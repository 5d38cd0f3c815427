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
})
