import { lockOf } from '../call/lock'
import type { KeptSession } from '../device/kept'
import type { Store } from './store'

/** A session of which this browser still holds something. */
export type Left = {
  session: KeptSession
  /** How long its recording is, and how many bytes. */
  ms: number
  bytes: number
}

/** What this browser holds of an account's sessions, oldest first. One whose lock is held goes on in another tab. */
export async function leftOf(
  account: string,
  store: Pick<Store, 'kept' | 'slices'>,
  locks: Pick<LockManager, 'query'>,
): Promise<Left[]> {
  const held = new Set((await locks.query()).held?.map(({ name }) => name))
  const free = (await store.kept.of(account)).filter(({ id }) => !held.has(lockOf(id)))
  return Promise.all(free.map(async (session) => ({ session, ...(await store.slices.extent(session.id)) })))
}
