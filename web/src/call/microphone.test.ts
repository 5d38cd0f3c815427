import { describe, expect, test } from 'vitest'
import { chooseMicrophone, chosenMicrophone, openMicrophone } from './microphone'

function refusing(cause: unknown): MediaDevices {
  return { getUserMedia: () => Promise.reject(cause as Error) } as unknown as MediaDevices
}

describe('a microphone that does not open', () => {
  test.each([
    ['NotAllowedError', 'denied'],
    ['NotFoundError', 'missing'],
    ['NotReadableError', 'busy'],
    ['OverconstrainedError', 'unsuitable'],
    ['TypeError', 'unknown'],
  ])('with %s is %s', async (name, trouble) => {
    expect(await openMicrophone(refusing(new DOMException('', name)))).toEqual({ trouble })
  })

  test('because the address is not encrypted says so', async () => {
    expect(await openMicrophone(undefined)).toEqual({ trouble: 'insecure' })
  })
})

describe('a microphone that was chosen', () => {
  test('is the one that is asked for, while it is there', async () => {
    const asked: unknown[] = []
    const devices = {
      getUserMedia: ({ audio }: MediaStreamConstraints) => {
        asked.push(audio)
        return Promise.resolve({})
      },
    } as unknown as MediaDevices
    await openMicrophone(devices, 'headset')
    await openMicrophone(devices)
    expect(asked).toMatchObject([{ deviceId: { ideal: 'headset' } }, {}])
    expect(asked[1]).not.toHaveProperty('deviceId')
  })

  test('is remembered', () => {
    const kept = new Map<string, string>()
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    }
    expect(chosenMicrophone(storage)).toBe('')
    chooseMicrophone('headset', storage)
    expect(chosenMicrophone(storage)).toBe('headset')
  })

  test('holds for the page where nothing may be kept', () => {
    const refuse = () => {
      throw new DOMException('', 'SecurityError')
    }
    chooseMicrophone('headset', { setItem: refuse })
    expect(chosenMicrophone({ getItem: refuse })).toBe('')
  })
})
