/** The places of the page. They live in the fragment, which no server sees or logs. */
export type Route =
  | { view: 'topics' }
  | { view: 'new-topic' }
  /** `after`: a session that broke off, to be gone on with; or empty. */
  | { view: 'practice'; topic: string; after: string }
  | { view: 'sessions'; words: string; deleted: string }
  | { view: 'review'; session: string }
  /** The problem is the code of a refusal at the OpenID provider's way back, or empty. */
  | { view: 'sign-in'; problem: string }
  | { view: 'setup'; code: string }
  | { view: 'invitation'; token: string }
  | { view: 'reset'; token: string }
  | { view: 'account' }
  | { view: 'my-data' }
  /** Of a session, or of a whole account for whoever holds its key. */
  | { view: 'receipt'; session: string; key: string }
  | { view: 'unknown' }

/** Reads a fragment such as `#/sessions?q=bread`. */
export function parse(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#?\/?/, '').split('?', 2)
  const [first = '', second = '', ...more] = path.split('/').map(decode)
  if (more.length > 0) return { view: 'unknown' }
  return routes.get(first)?.(second, new URLSearchParams(query)) ?? { view: 'unknown' }
}

type Reader = (second: string, query: URLSearchParams) => Route | undefined

const readers: Record<string, Reader> = {
  '': () => ({ view: 'topics' }),
  topics: (second) =>
    second === '' ? { view: 'topics' } : second === 'new' ? { view: 'new-topic' } : undefined,
  practice: (topic, query) =>
    topic === '' ? undefined : { view: 'practice', topic, after: query.get('after') ?? '' },
  sessions: (session, query) =>
    session === ''
      ? { view: 'sessions', words: query.get('q') ?? '', deleted: query.get('deleted') ?? '' }
      : { view: 'review', session },
  'sign-in': (_, query) => ({ view: 'sign-in', problem: query.get('problem') ?? '' }),
  setup: (_, query) => ({ view: 'setup', code: query.get('code') ?? '' }),
  invitation: (_, query) => ({ view: 'invitation', token: query.get('token') ?? '' }),
  reset: (_, query) => ({ view: 'reset', token: query.get('token') ?? '' }),
  account: () => ({ view: 'account' }),
  'my-data': () => ({ view: 'my-data' }),
  receipt: (session, query) => ({ view: 'receipt', session, key: query.get('key') ?? '' }),
}

/** Places that need nobody to be signed in. */
export function isOutside({ view }: Route): boolean {
  return view === 'setup' || view === 'invitation' || view === 'reset'
}

// A map, because `#/constructor` is an address too.
const routes = new Map(Object.entries(readers))

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // a stray percent sign
  }
}

/** The address of a place. */
export const to = {
  topics: '#/topics',
  newTopic: '#/topics/new',
  signIn: '#/sign-in',
  setup: '#/setup',
  practice: (topic: string, after = '') => {
    const place = `#/practice/${encodeURIComponent(topic)}`
    return after === '' ? place : `${place}?after=${encodeURIComponent(after)}`
  },
  sessions: (words = '') => (words === '' ? '#/sessions' : `#/sessions?q=${encodeURIComponent(words)}`),
  account: '#/account',
  myData: '#/my-data',
  /** The sessions, with a word about the one that was just deleted. */
  deleted: (session: string) => `#/sessions?deleted=${encodeURIComponent(session)}`,
  receipt: (session: string) => `#/receipt/${encodeURIComponent(session)}`,
  accountReceipt: (key: string) => `#/receipt?key=${encodeURIComponent(key)}`,
  review: (session: string) => `#/sessions/${encodeURIComponent(session)}`,
}
