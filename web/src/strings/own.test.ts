import { describe, expect, test } from 'vitest'
import trail from '../../../projections/audit.go?raw'
import type { AuditLine } from '../api/types'
import { strings } from '.'
import { own } from './own'

const at = '2026-11-22T10:00:00Z'
const { told } = own.myData.audit

describe('a line of the trail says', () => {
  test.each<[Omit<AuditLine, 'at'>, string]>([
    [{ kind: 'signed_in', by: 'you', what: 'passkey', count: 1 }, 'You signed in (passkey)'],
    [{ kind: 'sign_in_failed', by: 'parley', what: 'password', count: 1 }, 'A sign-in failed (password)'],
    [{ kind: 'sign_in_failed', by: 'parley', what: 'password', count: 7 }, '7 sign-ins failed (password)'],
    [
      { kind: 'content_read', by: 'somebody', name: 'Grace', session: '01A', count: 1 },
      'Grace read what was said in a session',
    ],
    [
      { kind: 'content_read', by: 'somebody', count: 1 },
      'Somebody whose account is gone read what was said in a session',
    ],
    [{ kind: 'exported', by: 'you', what: 'account', count: 1 }, 'You exported everything'],
    [{ kind: 'exported', by: 'you', session: '01A', count: 1 }, 'You exported a session'],
    [{ kind: 'deletion_requested', by: 'you', what: 'session.01A', count: 1 }, 'You deleted a session'],
    [{ kind: 'account_credential_removed', by: 'you', count: 1 }, 'You removed a way to sign in'],
    [
      { kind: 'account_reset_allowed', by: 'operator', count: 1 },
      'An operator made a link to set a new password',
    ],
    [{ kind: 'a_newer_kind', by: 'operator', count: 1 }, 'An operator: a_newer_kind'],
  ])('%j', (line, text) => {
    expect(told({ at, ...line })).toBe(text)
  })

  const kinds = [...trail.matchAll(/case \*events\.(\w+):/g)].map(([, name]) =>
    String(name)
      .replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_')
      .toLowerCase(),
  )

  test('is made of many kinds', () => {
    expect(kinds.length).toBeGreaterThan(10)
  })

  test.each(kinds)('%s is told in words', (kind) => {
    expect(told({ at, kind, by: 'you', count: 1 })).not.toBe(`You: ${kind}`)
  })
})

describe('a count', () => {
  test('of one is singular, of none and two plural', () => {
    const { turns, words } = strings.review
    expect([0, 1, 2].map(turns)).toEqual(['turns', 'turn', 'turns'])
    expect([0, 1, 2].map(words)).toEqual(['words of yours', 'word of yours', 'words of yours'])
    expect(own.receipt.line(1, 'keys', 'vault')).toBe('1 key from the vault')
    expect(own.receipt.line(3, 'copied_events', 'MIRROR (mirror)')).toBe(
      '3 copied events from MIRROR (mirror)',
    )
  })
})
