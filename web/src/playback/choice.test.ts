import { describe, expect, test } from 'vitest'
import { remember, remembered, usual } from './choice'

function storage(kept: string | null) {
  return { getItem: () => kept, setItem: (_: string, value: string) => (kept = value) }
}

describe('a choice', () => {
  test('is remembered', () => {
    const here = storage(null)
    remember({ speed: 1.25, voices: 'tutor', skip: true }, here)
    expect(remembered(here)).toEqual({ speed: 1.25, voices: 'tutor', skip: true })
  })

  test.each([null, 'no JSON', 'null', '{"speed":9,"voices":"all","skip":"yes"}'])(
    'that is kept as %s is as usual',
    (kept) => {
      expect(remembered(storage(kept))).toEqual(usual)
    },
  )

  test('holds without a browser that keeps it', () => {
    const full = () => {
      throw new DOMException('', 'QuotaExceededError')
    }
    expect(() => remember(usual, { setItem: full })).not.toThrow()
  })
})
