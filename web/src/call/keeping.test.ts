import { describe, expect, test } from 'vitest'
import { Rehearsal, settled } from './rehearsal'

describe('a conversation', () => {
  test('whose browser does not record says so, reports its call all the same, and is saved', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.tape.broken = true
    await rehearsal.talk()
    expect(rehearsal.state).toMatchObject({ name: 'talking', notices: ['recording_refused'] })
    expect(rehearsal.toldOf(1)).toEqual([
      'parley.recording_stopped',
      'parley.call_connected',
      'session.created',
    ])
    expect(rehearsal.runner.kept()).toEqual({ ms: 0, recording: false })
    rehearsal.runner.end()
    await settled()
    rehearsal.saving[0]?.open(undefined)
    await settled()
    expect(rehearsal.state.name).toBe('saved')
  })

  test('wakes the sound where the learner has pressed', async () => {
    const rehearsal = new Rehearsal()
    await rehearsal.talk()
    const before = rehearsal.woken
    rehearsal.runner.dismiss('sound_stopped')
    expect(rehearsal.woken).toBe(before + 1)
  })

  test('that is left tries nothing again behind the learner’s back', async () => {
    const rehearsal = new Rehearsal()
    rehearsal.tape.stopped.open(undefined)
    await rehearsal.talk()
    expect(rehearsal.givenUp).toBe(false)
    await rehearsal.runner.leave()
    expect(rehearsal.givenUp).toBe(true)
  })
})
