import { describe, expect, test } from 'vitest'
import { parse, to } from './route'

describe('an address', () => {
  test.each([
    ['', { view: 'topics' }],
    ['#/', { view: 'topics' }],
    ['#/topics', { view: 'topics' }],
    ['#/topics/new', { view: 'new-topic' }],
    ['#/topics/else', { view: 'unknown' }],
    ['#/practice', { view: 'unknown' }],
    ['#/practice/01A', { view: 'practice', topic: '01A' }],
    ['#/sessions', { view: 'sessions', words: '' }],
    ['#/sessions?q=a%26b%20c', { view: 'sessions', words: 'a&b c' }],
    ['#/sessions/01B', { view: 'review', session: '01B' }],
    ['#/sessions/01B/more', { view: 'unknown' }],
    ['#/setup?code=AB-12', { view: 'setup', code: 'AB-12' }],
    ['#/sign-in', { view: 'sign-in' }],
    ['#/constructor', { view: 'unknown' }],
    ['#/%E0%A4%A', { view: 'unknown' }],
  ])('%s is read', (fragment, route) => {
    expect(parse(fragment)).toEqual(route)
  })

  test('that the page writes is read back', () => {
    expect(parse(to.sessions('¿qué?'))).toEqual({ view: 'sessions', words: '¿qué?' })
    expect(parse(to.practice('a/b'))).toEqual({ view: 'practice', topic: 'a/b' })
  })
})
