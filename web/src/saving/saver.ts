import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { KeptSession, KeptSessions } from '../device/kept'
import type { Live } from '../live/live'
import type { Wait } from '../outbox/backoff'
import { Outbox } from '../outbox/outbox'
import { Retry } from '../outbox/retry'
import { EventStore } from '../outbox/store'
import type { Slices } from '../recording/slices'
import { putByRequest } from '../upload/put'
import { upload } from '../upload/upload'
import { save, type SaveNews, type SaveParts } from './save'
import type { Store } from './store'

/** What a saver needs from its surroundings. */
export type SaverParts = {
  api: Client
  live: Pick<Live, 'changed'>
  store: Store
  /** Undefined where browsers have none: without TLS. */
  storage: StorageManager | undefined
  wait: Wait
  random: () => number
}

/** Saves sessions out of this browser's store: the one just held, or one left by an earlier visit. */
export class Saver {
  readonly kept: KeptSessions
  readonly slices: Slices
  readonly #parts: SaverParts
  readonly #events: EventStore

  constructor(parts: SaverParts) {
    this.#parts = parts
    this.kept = parts.store.kept
    this.slices = parts.store.slices
    this.#events = new EventStore(parts.store.database)
  }

  /** Asks the browser never to clear what is kept by itself. True when it promises. */
  async askToStay(): Promise<boolean> {
    const promised = this.#parts.storage?.persist()
    return (await promised?.catch(() => false)) ?? false // one that cannot say promises nothing
  }

  /** The outbox of a session. */
  outbox(session: string, onStoreTrouble: (cause: unknown) => void): Outbox {
    const { api } = this.#parts
    const retry = new Retry(this.#parts)
    return new Outbox({ session, store: this.#events, send: api.relay, retry, onStoreTrouble })
  }

  /** See {@link save}. */
  save(kept: KeptSession, outbox: Outbox, settled: Promise<void>, news: SaveNews): Promise<void> {
    return save(kept, outbox, settled, this.#saveParts(), news)
  }

  /** Saves what an earlier visit left behind. `outbox` is a new one of that session. */
  async finish(kept: KeptSession, outbox: Outbox, news: SaveNews): Promise<void> {
    await outbox.resume(kept.relayedThrough)
    const parts = this.#saveParts()
    outbox.retry.watch(news.onWaiting)
    const { audio } = await outbox.retry.until(() => this.#parts.api.session(kept.id))
    // It was verified, and only the answer was lost.
    if (audio) parts.upload = () => Promise.resolve(undefined)
    await save(kept, outbox, Promise.resolve(), parts, news)
  }

  /**
   * Gives up what an earlier visit left behind: ends the session at the server
   * with what that has, and removes it here. Rejects, and keeps it, when the
   * server cannot be told: it would wait for this device for ever.
   */
  async discard(kept: KeptSession): Promise<void> {
    const { api } = this.#parts
    try {
      await api.end(kept.id, { reason: 'learner', recording_expected: false, last_n: kept.relayedThrough })
    } catch (cause) {
      if (!isOver(cause)) throw cause
    }
    await this.kept.forget(kept.id)
  }

  #saveParts(): SaveParts {
    const { api, live } = this.#parts
    const digest = (bytes: ArrayBuffer) => crypto.subtle.digest('SHA-256', bytes)
    return {
      end: api.end,
      recording: (session, contentType) => this.slices.recording(session, contentType),
      upload: (session, recording, retry, onProgress) =>
        upload(
          session,
          recording,
          { request: api.requestUpload, put: putByRequest, digest, retry },
          onProgress,
        ),
      completeUpload: api.completeUpload,
      session: api.session,
      forget: (session) => this.kept.forget(session),
      changed: (session, atMost) => live.changed(session, atMost),
    }
  }
}

/** Whether a refusal says that there is nothing to end: it has ended, or is not there any more. */
function isOver(cause: unknown): boolean {
  return cause instanceof Problem && ['ended', 'conflict', 'not_found'].includes(cause.code)
}
