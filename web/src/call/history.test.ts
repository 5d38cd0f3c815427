import { describe, expect, test } from 'vitest'
import { usual } from './manner'
import { Rehearsal, settled } from './rehearsal'

describe('a session that goes on with another', () => {
  const caption = { speaker: 'tutor', status: 'final', text: 'Good morning', interrupted: false } as const

  test('gives the history to its first call, and the tutor takes it up', async () => {
    const rehearsal = new Rehearsal(usual, [{ id: 'old', ...caption }])
    await rehearsal.talk()
    expect(rehearsal.line.types).toEqual(['conversation.item.create', 'session.update', 'response.create'])
    expect(JSON.stringify(rehearsal.line.sent[0])).toContain('Good morning')
  })

  test('is greeted once: another call of it is answered when the learner has spoken', async () => {
    const rehearsal = new Rehearsal(usual, [{ id: 'old', ...caption }])
    await rehearsal.talk()
    rehearsal.line.turn('tutor', 't1', 'Hello again')
    rehearsal.line.events.onLost()
    await settled()
    await rehearsal.issue(2)
    rehearsal.line.connect('rtc_2')
    expect(rehearsal.line.types).not.toContain('response.create')
  })
})
