import { describe, expect, test } from 'vitest'
import type { Why } from '../call/state'
import { strings } from '.'
import { talk } from './talk'

const told = (why: Why) => talk.because(why, (code) => strings.problems[code])

describe('why a conversation ended', () => {
  test('needs no word when the learner did it', () => {
    expect(told({ cause: 'learner' })).toBe('')
  })

  test.each<[Why, string]>([
    [{ cause: 'time_limit' }, 'as long as it may be'],
    [{ cause: 'refused', code: 'used_up' }, 'no new one was given'],
    [{ cause: 'unreachable' }, 'Check your connection'],
    [{ cause: 'server', told: 'idle' }, 'Nobody had spoken'],
    [{ cause: 'server', told: 'used_up' }, 'used up'],
    [{ cause: 'server', told: 'signed_out' }, 'signed out'],
    [{ cause: 'server', told: 'something new' }, 'The server ended the session.'],
    [{ cause: 'server', told: 'toString' }, 'The server ended the session.'],
    [{ cause: 'server', told: '' }, 'The server ended the session.'],
  ])('%j is said in words', (why, words) => {
    expect(told(why)).toContain(words)
  })
})
