import { describe, expect, test } from 'vitest'
import errors from '../../../events/errors.go?raw'
import statuses from '../../../http/problem.go?raw'
import { strings } from '../strings'
import { problemFrom } from './problem'

/** The numbers that the server's table of statuses writes by name. */
const numbers: Record<string, number> = {
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  PreconditionFailed: 412,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  UnprocessableEntity: 422,
  TooManyRequests: 429,
  InternalServerError: 500,
  BadGateway: 502,
  ServiceUnavailable: 503,
}

/** Every code of the server's closed list, with its status. */
const closed = [...errors.matchAll(/^\t(Code\w+) Code = "(\w+)"$/gm)].map(([, name, code]) => {
  const status = new RegExp(`events\\.${String(name)}: +http\\.Status(\\w+),`).exec(statuses)?.[1]
  return { code: String(code), status: numbers[status ?? ''] ?? Number.NaN }
})

describe('the page has advice for the server’s refusal', () => {
  test('of every kind', () => {
    expect(closed.length).toBeGreaterThan(15)
  })

  test.each(closed)('$code, status $status', async ({ code, status }) => {
    const problem = await problemFrom(Response.json({ code, detail: 'x' }, { status }))
    const words = strings.problems[problem.code]
    expect(words).not.toBe('')
    // A fault of the server's own is all that nothing better can be said about.
    expect(problem.code === 'unknown').toBe(code === 'internal')
  })

  const provider = ['quota', 'key', 'model_gone', 'rate', 'network', 'unavailable']

  test('in a sentence of its own for each failure of the provider', async () => {
    const told = provider.map((failure) =>
      problemFrom(Response.json({ code: `provider_${failure}`, detail: 'x' }, { status: 502 })),
    )
    const sentences = (await Promise.all(told)).map(({ code }) => strings.problems[code])
    expect(new Set(sentences)).toHaveProperty('size', provider.length)
    expect(sentences).not.toContain(strings.problems.unknown)
  })

  test.each(['too_many_calls', 'used_up'])('%s in words of its own', async (code) => {
    const problem = await problemFrom(Response.json({ code, detail: 'x' }, { status: 429 }))
    expect(strings.problems[problem.code]).not.toBe(strings.problems.rate_limited)
  })
})
