import type { WireProblem } from './types'

/** The server's codes that the page knows advice for. */
const codes = [
  'unauthenticated',
  'forbidden',
  'not_found',
  'invalid',
  'conflict',
  'ended',
  'too_large',
  'rate_limited',
  'too_many_calls',
  'used_up',
  'provider_quota',
  'provider_key',
  'provider_model_gone',
  'provider_rate',
  'provider_network',
  'provider_unavailable',
  'unavailable',
] as const

/** The codes the page knows advice for; `offline` and `unknown` are its own. */
export type ProblemCode = (typeof codes)[number] | 'offline' | 'unknown'

const known: ReadonlySet<string> = new Set(codes)

/** A request that was refused (RFC 9457 problem document) or never answered. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  /** HTTP status; 0 when there was no answer. */
  readonly status: number
  /** When it may be tried again, in ms from the refusal; undefined when the server did not say. */
  readonly againInMs: number | undefined

  constructor(code: ProblemCode, status: number, detail: string, againInMs?: number) {
    super(detail)
    this.code = code
    this.status = status
    this.againInMs = againInMs
  }

  /** Whether asking again later can help: no answer, too many requests, a server in trouble. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

/** Reads a refusal; answers that are no problem document keep their status. */
export async function problemFrom(response: Response): Promise<Problem> {
  const body = await readProblem(response)
  const code = body?.code ?? ''
  return new Problem(
    known.has(code) ? (code as ProblemCode) : (byStatus[response.status] ?? 'unknown'),
    response.status,
    body?.detail ?? body?.title ?? response.statusText,
    againIn(response.headers.get('retry-after')),
  )
}

// Our server writes seconds (RFC 9110, section 10.2.3); a proxy's date counts as not said.
function againIn(header: string | null): number | undefined {
  const seconds = Number(header ?? '')
  return header && Number.isFinite(seconds) ? seconds * 1000 : undefined
}

async function readProblem(response: Response): Promise<Partial<WireProblem> | undefined> {
  if (!response.headers.get('content-type')?.includes('json')) return undefined
  try {
    return (await response.json()) as Partial<WireProblem>
  } catch {
    return undefined // cut off on the way; the status still says enough
  }
}

// What is advised about a code of its own that no page has words for.
const byStatus: Readonly<Record<number, ProblemCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  412: 'conflict',
  413: 'too_large',
  415: 'invalid',
  422: 'invalid',
  429: 'rate_limited',
  503: 'unavailable',
}
