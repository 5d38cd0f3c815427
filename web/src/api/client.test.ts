import { describe, expect, test } from 'vitest'
import { Client } from './client'
import { Problem } from './problem'
import { ulid } from './ulid'

function answering(status: number, body: string, type = 'application/problem+json'): Client {
  return new Client(() => Promise.resolve(new Response(body, { status, headers: { 'Content-Type': type } })))
}

async function refusal(client: Client): Promise<Problem> {
  const cause: unknown = await client.me().then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(cause instanceof Problem)) throw new Error('was not refused with a problem')
  return cause
}

describe('a refusal', () => {
  test('carries the server’s code and detail', async () => {
    const problem = await refusal(
      answering(409, '{"code":"ended","detail":"over","title":"Conflict","status":409}'),
    )
    expect(problem).toMatchObject({ code: 'ended', status: 409, message: 'over', passing: false })
  })

  test.each([
    [401, 'unauthenticated', false],
    [413, 'too_large', false],
    [429, 'rate_limited', true],
    [502, 'unknown', true],
  ])('without a problem document, status %i, is %s', async (status, code, passing) => {
    expect(await refusal(answering(status, '<html>', 'text/html'))).toMatchObject({ code, passing })
  })

  test.each([
    ['30', 30_000],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [undefined, undefined],
  ])('with Retry-After %s may be tried again in %s ms', async (header, againInMs) => {
    const headers = header === undefined ? {} : { 'Retry-After': header }
    const client = new Client(() => Promise.resolve(new Response('', { status: 429, headers })))
    expect(await refusal(client)).toMatchObject({ code: 'rate_limited', againInMs })
  })

  test.each([
    ['no answer', new Client(() => Promise.reject(new TypeError('network')))],
    ['half an answer', answering(200, '{"accou', 'application/json')],
  ])('is offline, and passing, for %s', async (_, client) => {
    expect(await refusal(client)).toMatchObject({ code: 'offline', status: 0, passing: true })
  })
})

describe('a question', () => {
  test('asks for its position and escapes what people typed', async () => {
    const asked: unknown[] = []
    const client = new Client((url) => {
      asked.push(url)
      return Promise.resolve(Response.json({ sessions: [] }))
    })
    await client.sessions('a&b', '', '12')
    await client.sessions('', '')
    expect(asked).toEqual(['/api/sessions?q=a%26b&min_position=12', '/api/sessions'])
  })
})

describe('a ULID', () => {
  test('begins with its time and ends with chance', () => {
    expect(ulid(1469918176385, (bytes) => bytes.fill(31))).toBe('01ARYZ6S41ZZZZZZZZZZZZZZZZ')
  })
})
