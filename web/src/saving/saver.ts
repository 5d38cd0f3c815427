import type { Client } from '../api/client'
import { Problem } from '../api/problem'
import type { Database } from '../device/database'
import { KeptSessions, type KeptSession } from '../device/kept'
import type { Live } from '../live/live'
import type { Wait } from '../outbox/backoff'
import { Outbox } from '../outbox/outbox'
import { EventStore } from '../outbox/store'
import { Slices } from '../recording/slices'
import { putByRequest } from '../upload/put'
import { upload, type UploadParts } from '../upload/upload'
import { save, type SaveParts, type Stage } from './save'

/** What a saver needs from its surroundings. */
export type SaverParts = {
  api: Client
  live: Live
  database: Database
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
    this.kept = new KeptSessions(parts.database)
    this.slices = new Slices(parts.database)
    this.#events = new EventStore(parts.database)
  }

  /** Asks the browser never to clear what is kept by itself. True when it promises. */
  async askToStay(): Promise<boolean> {
    const promised = this.#parts.storage?.persist()
    return (await promised?.catch(() => false)) ?? false // one that cannot say promises nothing
  }

  /** The outbox of a session. */
  outbox(session: string, onStoreTrouble: (cause: unknown) => void): Outbox {
    const { api, wait, random } = this.#parts
    return new Outbox({ session, store: this.#events, send: api.relay, wait, random, onStoreTrouble })
  }

  /** See {@link save}. */
  save(
    kept: KeptSession,
    outbox: Outbox,
    settled: Promise<void>,
    onStage: (stage: Stage) => void,
  ): Promise<void> {
    return save(kept, outbox, settled, this.#saveParts(), onStage)
  }

  /** Saves what an earlier visit left behind. */
  async finish(kept: KeptSession, onStage: (stage: Stage) => void): Promise<void> {
    // The events read here are all there are; none is added that could fail to be kept.
    const outbox = this.outbox(kept.id, () => undefined)
    await outbox.resume(kept.relayedThrough)
    const parts = this.#saveParts()
    const { audio } = await this.#parts.api.session(kept.id)
    // It was verified, and only the answer was lost.
    if (audio) parts.upload = () => Promise.resolve(undefined)
    await save(kept, outbox, Promise.resolve(), parts, onStage)
  }

  /**
   * Gives up what an earlier visit left behind: removes it here, and ends the
   * session at the server with what that has.
   */
  async discard(kept: KeptSession): Promise<void> {
    const { api } = this.#parts
    try {
      await api.end(kept.id, { reason: 'learner', recording_expected: false, last_n: kept.relayedThrough })
    } catch (cause) {
      // It has ended, or nobody answers: then the timekeeper ends it.
      if (!(cause instanceof Problem)) throw cause
    }
    await this.kept.forget(kept.id)
  }

  #saveParts(): SaveParts {
    const { api, live, wait, random } = this.#parts
    const uploading: UploadParts = {
      request: api.requestUpload,
      put: putByRequest,
      digest: (bytes) => crypto.subtle.digest('SHA-256', bytes),
      wait,
      random,
    }
    return {
      end: api.end,
      recording: (session, contentType) => this.slices.recording(session, contentType),
      upload: (session, recording, onProgress) => upload(session, recording, uploading, onProgress),
      completeUpload: api.completeUpload,
      session: api.session,
      forget: (session) => this.kept.forget(session),
      changed: (session, atMost) => live.changed(session, atMost),
      wait,
      random,
    }
  }
}
