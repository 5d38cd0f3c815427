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
    ['#/practice/01A', { view: 'practice', topic: '01A', after: '' }],
    ['#/practice/01A?after=01B', { view: 'practice', topic: '01A', after: '01B' }],
    ['#/sessions', { view: 'sessions', words: '', deleted: '' }],
    ['#/sessions?q=a%26b%20c', { view: 'sessions', words: 'a&b c', deleted: '' }],
    ['#/sessions/01B', { view: 'review', session: '01B' }],
    ['#/sessions/01B/more', { view: 'unknown' }],
    ['#/setup?code=AB-12', { view: 'setup', code: 'AB-12' }],
    ['#/invitation?token=01A.bc_-', { view: 'invitation', token: '01A.bc_-' }],
    ['#/reset', { view: 'reset', token: '' }],
    ['#/account', { view: 'account' }],
    ['#/my-data', { view: 'my-data' }],
    ['#/receipt/01B', { view: 'receipt', session: '01B', key: '' }],
    ['#/sign-in', { view: 'sign-in', problem: '' }],
    ['#/sign-in?problem=conflict', { view: 'sign-in', problem: 'conflict' }],
    ['#/constructor', { view: 'unknown' }],
    ['#/%E0%A4%A', { view: 'unknown' }],
  ])('%s is read', (fragment, route) => {
    expect(parse(fragment)).toEqual(route)
  })

  test('that the page writes is read back', () => {
    expect(parse(to.sessions('¿qué?'))).toEqual({ view: 'sessions', words: '¿qué?', deleted: '' })
    expect(parse(to.deleted('01B'))).toEqual({ view: 'sessions', words: '', deleted: '01B' })
    expect(parse(to.accountReceipt('01A.b+c'))).toEqual({ view: 'receipt', session: '', key: '01A.b+c' })
    expect(parse(to.practice('a/b'))).toEqual({ view: 'practice', topic: 'a/b', after: '' })
    expect(parse(to.practice('a', 'b&c'))).toEqual({ view: 'practice', topic: 'a', after: 'b&c' })
  })
})
