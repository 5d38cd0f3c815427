import { lockOf } from '../call/lock'
import type { KeptSession } from '../device/kept'
import type { Saver } from './saver'

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
  saver: Pick<Saver, 'kept' | 'slices'>,
  locks: Pick<LockManager, 'query'>,
): Promise<Left[]> {
  const held = new Set((await locks.query()).held?.map(({ name }) => name))
  const free = (await saver.kept.of(account)).filter(({ id }) => !held.has(lockOf(id)))
  return Promise.all(
    free.map(async (session) => ({
      session,
      ms: await saver.slices.keptMs(session.id),
      bytes: await saver.slices.keptBytes(session.id),
    })),
  )
}
