import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { putByRequest } from './put'

/** A request whose line does what the test says. */
class PlayedRequest {
  static last: PlayedRequest
  readonly upload: { onprogress: (event: { loaded: number }) => void } = { onprogress: () => undefined }
  onload: () => void = () => undefined
  onabort: () => void = () => undefined
  onloadend: () => void = () => undefined
  status = 0

  constructor() {
    PlayedRequest.last = this
  }

  open = () => undefined
  setRequestHeader = () => undefined
  send = () => undefined

  abort(): void {
    this.onabort()
    this.onloadend()
  }

  answer(status: number): void {
    this.status = status
    this.onload()
    this.onloadend()
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('XMLHttpRequest', PlayedRequest)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

/** A PUT that bears with 30 s of nothing; `told` is how much has left, and how it ended. */
function put() {
  const told: unknown[] = []
  const request = { method: 'PUT', url: '/', headers: {} }
  putByRequest(request, new Blob(['1234']), 30_000, (sent) => told.push(sent)).then(
    () => told.push('arrived'),
    (cause: unknown) => told.push(cause),
  )
  return { told, line: PlayedRequest.last }
}

test('bytes that leave slowly arrive', async () => {
  const { told, line } = put()
  for (const loaded of [1, 2, 3, 4]) {
    await vi.advanceTimersByTimeAsync(29_999)
    line.upload.onprogress({ loaded })
  }
  await vi.advanceTimersByTimeAsync(29_999)
  line.answer(200)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told).toEqual([1, 2, 3, 4, 'arrived'])
})

test.each([
  ['from the beginning', () => undefined],
  [
    'in the middle',
    (line: PlayedRequest) => {
      line.upload.onprogress({ loaded: 2 })
    },
  ],
  [
    'with the answer',
    (line: PlayedRequest) => {
      line.upload.onprogress({ loaded: 4 })
    },
  ],
])('a line that stands still %s counts as one that was cut', async (_, goOn) => {
  const { told, line } = put()
  await vi.advanceTimersByTimeAsync(20_000)
  goOn(line)
  await vi.advanceTimersByTimeAsync(30_000)
  expect(told.at(-1)).toMatchObject({ code: 'offline', passing: true })
})
