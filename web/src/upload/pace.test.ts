import { describe, expect, test } from 'vitest'
import { Pace } from './pace'

function after(...samples: [number, number][]): Pace {
  const pace = new Pace()
  for (const [at, sent] of samples) pace.note(at, sent)
  return pace
}

describe('a pace', () => {
  test('is not known before there are two samples', () => {
    expect(after().speed).toBeUndefined()
    expect(after([0, 0]).left(100)).toBeUndefined()
    expect(after([0, 0], [0, 10]).speed).toBeUndefined()
  })

  test('tells speed and time left', () => {
    const pace = after([0, 0], [1_000, 200], [2_000, 400])
    expect(pace.speed).toBe(200)
    expect(pace.left(1_000)).toBe(3_000)
  })

  test('looks back five seconds and no further', () => {
    expect(after([0, 0], [5_000, 1_000]).speed).toBe(200)
    expect(after([0, 0], [5_000, 1_000], [5_001, 1_000]).speed).toBe(0)
  })

  test('cannot say how long something will take that stands still', () => {
    expect(after([0, 5], [1_000, 5]).left(10)).toBeUndefined()
  })

  test('begins anew with an upload that does', () => {
    expect(after([0, 0], [1_000, 500], [2_000, 100], [3_000, 200]).speed).toBe(100)
  })
})
