import { describe, expect, test } from 'vitest'
import { openMicrophone } from './microphone'

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
