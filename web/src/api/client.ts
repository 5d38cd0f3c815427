import { Problem, problemFrom } from './problem'
import type {
  EndReason,
  EventReceipt,
  Me,
  NewTopic,
  Progress,
  RelayedEvent,
  Session,
  Sessions,
  TalkChoice,
  Token,
  Topic,
  Upload,
} from './types'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** How long a question may go unanswered, in ms. Reads with a position wait on the server for less. */
const patience = 20_000

/** The server's API (same origin, cookie). Every refusal is a {@link Problem}. */
export class Client {
  readonly #fetch: typeof fetch

  constructor(fetcher: typeof fetch) {
    this.#fetch = fetcher
  }

  setupNeeded = () => this.ask<{ needed: boolean }>('GET', '/api/setup')
  setUp = (first: { code: string; name: string; email: string; password: string }) =>
    this.ask<Me>('POST', '/api/setup', first)
  signIn = (email: string, password: string) => this.ask<Me>('POST', '/api/sign-in', { email, password })
  signOut = () => this.ask<undefined>('POST', '/api/sign-out')
  me = () => this.ask<Me>('GET', '/api/me')

  topics = async () => (await this.ask<{ topics: Topic[] }>('GET', '/api/topics')).topics
  addTopic = (topic: NewTopic) => this.ask<Topic>('POST', '/api/topics', topic)

  /** Repeating with the same id (a ULID) gives the same session. */
  startSession = (topic: string, id: string) =>
    this.ask<Session>('POST', '/api/sessions', { topic_id: topic, id })
  sessions = (words: string, cursor: string, minPosition = '') =>
    this.ask<Sessions>('GET', `/api/sessions${query({ q: words, cursor, min_position: minPosition })}`)
  /** With a position the server waits, bounded, until its answer includes it. */
  session = (id: string, minPosition = '') =>
    this.ask<Session>('GET', `${path(id)}${query({ min_position: minPosition })}`)
  deleteSession = (id: string) => this.ask<{ position: string }>('DELETE', path(id))

  token = (id: string, manner: TalkChoice) => this.ask<Token>('POST', `${path(id)}/token`, manner)
  relay = (id: string, events: RelayedEvent[]) =>
    this.ask<EventReceipt>('POST', `${path(id)}/events`, { events })
  end = (id: string, end: { reason: EndReason; recording_expected: boolean; last_n: number }) =>
    this.ask<Progress>('POST', `${path(id)}/end`, end)
  requestUpload = (
    id: string,
    file: { size: number; sha256: string; content_type: string; duration_ms: number },
  ) => this.ask<Upload>('POST', `${path(id)}/upload`, file)
  completeUpload = (id: string, upload: string) =>
    this.ask<Progress>('POST', `${path(id)}/upload/${encodeURIComponent(upload)}/complete`)

  /** One question for everybody who asks; what comes back is what the route's description says. */
  async ask<Answer>(method: Method, url: string, body?: unknown): Promise<Answer> {
    const response = await this.#granted(method, url, body)
    if (response.status === 204) return undefined as Answer
    return whole(response.json() as Promise<Answer>)
  }

  /** What is no JSON, as it is; empty while there is nothing. */
  bytes = async (url: string) => whole((await this.#granted('GET', url, undefined)).arrayBuffer())

  async #granted(method: Method, url: string, body: unknown): Promise<Response> {
    const response = await this.#send(method, url, body)
    if (!response.ok) throw await problemFrom(response)
    return response
  }

  async #send(method: Method, url: string, body: unknown): Promise<Response> {
    const request: RequestInit = { method, signal: AbortSignal.timeout(patience) }
    if (body !== undefined) {
      request.headers = { 'Content-Type': 'application/json' }
      request.body = JSON.stringify(body)
    }
    try {
      return await this.#fetch(url, request)
    } catch (cause) {
      throw unanswered(cause)
    }
  }
}

async function whole<Answer>(answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (cause) {
    throw unanswered(cause) // the line broke within the answer
  }
}

function unanswered(cause: unknown): Problem {
  return new Problem('offline', 0, cause instanceof Error ? cause.message : String(cause))
}

/** Where a session's own resources live. */
export function path(session: string): string {
  return `/api/sessions/${encodeURIComponent(session)}`
}

export function query(fields: Record<string, string>): string {
  const filled = Object.entries(fields).filter(([, value]) => value !== '')
  return filled.length === 0 ? '' : `?${new URLSearchParams(filled)}`
}
