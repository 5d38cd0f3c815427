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

  test('tells for how long nothing has left', () => {
    expect(after().still(9_000)).toBe(0)
    const pace = after([0, 0], [1_000, 500], [2_000, 500], [3_000, 500])
    expect(pace.still(4_500)).toBe(3_500)
    pace.note(5_000, 501)
    expect(pace.still(5_000)).toBe(0)
  })

  test('falls to nothing in a stall that is looked at', () => {
    const looks = [1, 2, 3, 4, 5, 6, 7].map((s): [number, number] => [s * 1_000, 500])
    expect(after([0, 0], ...looks).speed).toBe(0)
  })

  test('begins anew with an upload that does', () => {
    expect(after([0, 0], [1_000, 500], [2_000, 100], [3_000, 200]).speed).toBe(100)
  })
})
