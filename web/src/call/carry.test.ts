import { describe, expect, test } from 'vitest'
import type { Caption } from '../transcript/captions'
import { apart, carried, longest, owesAnswer } from './carry'

function caption(speaker: Caption['speaker'], text: string, status: Caption['status'] = 'final'): Caption {
  return { id: text, speaker, status, text, interrupted: false }
}

type Made = { item: { id: string; role: string; content: { type: string; text: string }[] } }

function items(...captions: Caption[]): Made['item'][] {
  return carried(captions, 2).map((event) => (event as unknown as Made).item)
}

describe('what was said, for a new call', () => {
  test('is text of each speaker, in order, under ids of its own', () => {
    expect(items(caption('tutor', 'Hello'), caption('learner', 'Hi'))).toEqual([
      {
        id: 'carried_2_1',
        type: 'message',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'Hello' }],
      },
      { id: 'carried_2_2', type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Hi' }] },
    ])
  })

  test('is written in the words of the beta where those are spoken', () => {
    const said = [caption('tutor', 'Hello'), caption('learner', 'Hi')]
    const events = carried(said, 2, { endsAt: undefined, turnDetection: null, beta: true })
    const kinds = events.map((event) => (event as unknown as Made).item.content[0]?.type)
    expect(kinds).toEqual(['text', 'input_text'])
  })

  test('leaves out what nobody understood', () => {
    const unheard = [
      caption('learner', '', 'empty'),
      caption('learner', '', 'failed'),
      caption('tutor', '', 'open'),
    ]
    expect(items(...unheard)).toEqual([])
  })

  test.each([
    [apart, apart, 'user'],
    [apart + 1, apart + 1, 'system'],
    [100, apart + 1, 'system'],
  ])('of %i turns is %i items, the first of them by %s', (turns, count, role) => {
    const made = items(...Array.from({ length: turns }, (_, n) => caption('learner', `turn ${n}.`)))
    expect(made).toHaveLength(count)
    expect(made[0]?.role).toBe(role)
    expect(made.every(({ id }) => id.length <= 32)).toBe(true)
  })

  test('packs older turns into one message, with their speakers', () => {
    const older = [caption('tutor', 'Hello'), caption('learner', 'Hi')]
    const recent = Array.from({ length: apart }, (_, n) => caption('tutor', `turn ${n}`))
    expect(items(...older, ...recent)[0]?.content[0]?.text).toBe(
      'What was said before:\nTutor: Hello\nLearner: Hi',
    )
  })

  test('forgets the oldest of very much', () => {
    const long = Array.from({ length: 40 }, (_, n) => caption('tutor', `${n}`.padEnd(1_000, '.')))
    const text = items(...long)[0]?.content[0]?.text ?? ''
    expect(text.length).toBeLessThan(longest + 100)
    expect(text).toContain('31..')
  })
})

describe('the next word', () => {
  test.each([
    ['is the tutor’s before anything was said', [], true],
    ['is the learner’s after the tutor', [caption('tutor', 'Hello')], false],
    ['is the tutor’s after the learner', [caption('tutor', 'Hello'), caption('learner', 'Hi')], true],
    ['is the tutor’s when she was in the middle of it', [caption('tutor', 'Hel', 'open')], true],
    [
      'is the learner’s when all she made was a noise',
      [caption('tutor', 'A'), caption('learner', '', 'empty')],
      false,
    ],
  ] as [string, Caption[], boolean][])('%s', (_, captions, owes) => {
    expect(owesAnswer(captions)).toBe(owes)
  })
})
