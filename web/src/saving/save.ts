import { Problem } from '../api/problem'
import type { EndReason, Progress, Session } from '../api/types'
import type { KeptSession } from '../device/kept'
import type { Outbox } from '../outbox/outbox'
import type { Retry } from '../outbox/retry'
import type { Recording } from '../recording/slices'

/** Where a saving stands; each is true when it is said. */
export type Stage =
  /** The recording lies whole on this device. */
  | { name: 'recorded' }
  /** On its way; `share`, 0 to 1, of `size` bytes. */
  | { name: 'uploading'; share: number; size: number }
  /** The server has it and verifies. */
  | { name: 'checking' }

/** Whoever waits for a saving hears of it. */
export type SaveNews = {
  onStage: (stage: Stage) => void
  /** Something has to be tried again, which goes on by itself; undefined: it is under way. */
  onWaiting: (problem: Problem | undefined) => void
}

/** What saving needs from its surroundings. */
export type SaveParts = {
  end: (
    session: string,
    end: { reason: EndReason; recording_expected: boolean; last_n: number },
  ) => Promise<Progress>
  recording: (session: string, contentType: string) => Promise<Recording | undefined>
  /** Answers the upload's id; nothing when the server has the audio already. */
  upload: (
    session: string,
    recording: Recording,
    retry: Retry,
    onProgress: (share: number) => void,
  ) => Promise<string | undefined>
  completeUpload: (session: string, upload: string) => Promise<Progress>
  session: (id: string, minPosition: string) => Promise<Session>
  forget: (session: string) => Promise<void>
  /** Resolves at the session's next change, or after the given ms. */
  changed: (session: string, atMost: number) => Promise<void>
}

/** The server cannot save this session; its reason is for people. */
export class NotSaved extends Error {
  override readonly name = 'NotSaved'
}

/**
 * The one way by which a session is saved, at the end of a conversation and at
 * a later visit alike. `settled` is when no more events are to come; the upload
 * does not wait for it, and nothing here asks the provider for anything. The
 * local copy goes only after the server has verified everything.
 *
 * What waiting heals is waited for, however long that takes, and told as news.
 * Rejects with the {@link Problem} that it does not heal, or with
 * {@link NotSaved}; may be called again.
 */
export async function save(
  kept: KeptSession,
  outbox: Outbox,
  settled: Promise<void>,
  parts: SaveParts,
  { onStage, onWaiting }: SaveNews,
): Promise<void> {
  const { retry } = outbox
  retry.watch(onWaiting)
  // What was under way during the talk may be waiting, and there may be a network again.
  retry.now()
  const recording = kept.contentType ? await parts.recording(kept.id, kept.contentType) : undefined
  onStage({ name: 'recorded' })
  const [ended, upload] = await both(
    end(kept, recording !== undefined, outbox, settled, parts),
    recording &&
      parts.upload(kept.id, recording, retry, (share) => {
        onStage({ name: 'uploading', share, size: recording.file.size })
      }),
  )
  onStage({ name: 'checking' })
  const last = upload ? await retry.until(() => parts.completeUpload(kept.id, upload)) : ended
  await verified(kept.id, last?.position ?? '', retry, parts)
  // What cannot be removed from a full disk is offered again, and then found to be saved.
  await parts.forget(kept.id).catch(() => undefined)
}

// Like Promise.all, but lets the other one finish before it fails: an upload
// that is under way should not be left behind by a refusal elsewhere.
async function both<A, B>(a: Promise<A>, b: Promise<B> | undefined): Promise<[A, B | undefined]> {
  const [first, second] = await Promise.allSettled([a, b])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
  return [first.value, second.value]
}

async function end(
  kept: KeptSession,
  recorded: boolean,
  outbox: Outbox,
  settled: Promise<void>,
  parts: SaveParts,
): Promise<Progress | undefined> {
  await settled
  await outbox.flush()
  const ending = { reason: kept.ended ?? 'learner', recording_expected: recorded, last_n: outbox.lastN }
  try {
    return await outbox.retry.until(() => parts.end(kept.id, ending))
  } catch (cause) {
    // Somebody ended it before us: the timekeeper, or our own lost request.
    if (cause instanceof Problem && (cause.code === 'ended' || cause.code === 'conflict')) return undefined
    throw cause
  }
}

async function verified(id: string, position: string, retry: Retry, parts: SaveParts): Promise<void> {
  for (;;) {
    // Before the question: the answer may be out of date when it comes.
    const changed = parts.changed(id, 2_000)
    const session = await retry.until(() => parts.session(id, position))
    if (session.status === 'saved') return
    if (session.status === 'needs_attention') throw new NotSaved(session.reason ?? '')
    await changed
  }
}
