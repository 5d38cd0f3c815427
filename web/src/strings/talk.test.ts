import { describe, expect, test } from 'vitest'
import bodies from '../../../events/session_bodies.go?raw'
import type { ProblemCode } from '../api/problem'
import type { Why } from '../call/state'
import { strings } from '.'
import { talk } from './talk'

const told = (why: Why) => talk.because(why, (code) => strings.problems[code])

describe('how far an upload is', () => {
  test.each([
    [undefined, undefined, 0, '1 / 9'],
    ['2', 3_400, 2_999, '1 / 9 · 2 a second · 4 s left'],
    ['2', undefined, 0, '1 / 9 · 2 a second'],
    ['2', 3_400, 3_000, '1 / 9 · nothing has left for 3 s'],
  ])('at %s a second, %s ms left, %i ms of nothing', (speed, left, still, words) => {
    expect(talk.upload('1 / 9', speed, left, still)).toBe(words)
  })
})

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

  const reasons = [...bodies.matchAll(/^\tEnded\w+ +EndReason = "(\w+)"/gm)].map(([, reason]) =>
    String(reason),
  )

  test('is told of more than what the page itself ends for', () => {
    expect(reasons.length).toBeGreaterThan(6)
  })

  test.each(reasons)('%s has words of its own', (reason) => {
    expect(told({ cause: 'server', told: reason })).not.toBe(told({ cause: 'server', told: '' }))
  })

  test.each(Object.keys(strings.problems) as ProblemCode[])(
    'for want of a token (%s) names the trouble',
    (code) => {
      expect(told({ cause: 'refused', code })).toContain(strings.problems[code])
    },
  )
})
