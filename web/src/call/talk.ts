import type { Client } from '../api/client'
import type { Me, TalkLimits, Topic } from '../api/types'
import type { KeptSession } from '../device/kept'
import type { Outbox } from '../outbox/outbox'
import { recordingFormat } from '../recording/recorder'
import type { Saver } from '../saving/saver'
import { Relay } from './relay'

/** A session that exists at the server and is kept in this browser. */
export type Talk = {
  kept: KeptSession
  readonly saver: Saver
  readonly outbox: Outbox
  readonly relay: Relay
  /** How long it may last, and how long nobody may speak; 0: no limit. */
  readonly limits: Limits
}

/** Limits of a session, in ms, and of its recording, in bytes. */
export type Limits = Pick<TalkLimits, 'session_ms' | 'idle_ms'> & { upload_bytes: number }

/** What opening a session needs. */
export type TalkParts = {
  /** A new ULID. */
  id: string
  api: Pick<Client, 'startSession'>
  saver: Saver
  account: string
  topic: Topic
  now: () => number
  /** The server's limits: the longest session, should it tell no other of this one, and the longest file. */
  limits: Me['limits']
}

/**
 * Opens a session at the server and keeps it here. Rejects with a Problem when
 * the server refuses, with the store's own error when this browser does.
 */
export async function openTalk(
  { id, api, saver, account, topic, now, limits: general }: TalkParts,
  onStoreTrouble: (cause: unknown) => void,
): Promise<Talk> {
  const kept: KeptSession = {
    id,
    account,
    title: topic.title,
    topic: topic.id,
    contentType: recordingFormat(general.upload_types) ?? null,
    ended: null,
    relayedThrough: 0,
  }
  // Browsers clear what they were not asked to keep; one that refuses has said no more than that it may.
  void saver.askToStay()
  // Kept first: what this browser cannot keep should not begin at the server.
  await saver.kept.keep(kept)
  const upload_bytes = general.upload_max_bytes
  let limits: Limits = { session_ms: general.session_max_ms, idle_ms: 0, upload_bytes }
  try {
    const { limits: told } = await api.startSession(topic.id, id)
    if (told)
      limits = { ...told, upload_bytes, session_ms: Math.min(told.session_ms, told.day_ms ?? Infinity) }
  } catch (cause) {
    await saver.kept.forget(id)
    throw cause
  }
  const outbox = saver.outbox(id, onStoreTrouble)
  return { kept, saver, outbox, relay: new Relay(outbox, now, now()), limits }
}
