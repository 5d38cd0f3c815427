import { describe, expect, test, vi } from 'vitest'
import { Awake } from './awake'

/** A page that can be hidden, and a lock on its screen that counts. */
function screen() {
  const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const lock = { asked: 0, held: 0 }
  const request = () => {
    lock.asked++
    lock.held++
    return Promise.resolve({ release: () => Promise.resolve(void lock.held--) })
  }
  const show = async (visibilityState: string) => {
    // The browser lets go by itself.
    if (visibilityState === 'hidden') lock.held = 0
    page.visibilityState = visibilityState
    page.dispatchEvent(new Event('visibilitychange'))
    await Promise.resolve()
  }
  const awake = new Awake(page as unknown as Document, { request } as unknown as WakeLock)
  return { awake, lock, show }
}

describe('the screen', () => {
  test('is held on while people talk, and let go after', async () => {
    const { awake, lock } = screen()
    awake.hold()
    await vi.waitFor(() => expect(lock).toEqual({ asked: 1, held: 1 }), 30_000)
    awake.release()
    expect(lock.held).toBe(0)
  })

  test('is asked for again when the page is back', async () => {
    const { awake, lock, show } = screen()
    awake.hold()
    await show('hidden')
    expect(lock.held).toBe(0)
    await show('visible')
    expect(lock).toEqual({ asked: 2, held: 1 })
  })

  test('is asked for no more after the talk', async () => {
    const { awake, lock, show } = screen()
    awake.hold()
    awake.release()
    await show('visible')
    expect(lock).toEqual({ asked: 1, held: 0 })
  })

  test.each([
    ['has no lock', undefined],
    ['refuses it', { request: () => Promise.reject(new DOMException('', 'NotAllowedError')) }],
  ])('goes dark where the browser %s, and nobody minds', async (_, lock) => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    const awake = new Awake(page as unknown as Document, lock as unknown as WakeLock | undefined)
    awake.hold()
    await Promise.resolve()
    expect(() => {
      awake.release()
    }).not.toThrow()
  })
})
