import { path } from '../api/client'
import { Problem } from '../api/problem'
import type { Upload, UploadPart } from '../api/types'
import type { Retry, Try } from '../outbox/retry'
import type { Recording } from '../recording/slices'
import type { Put } from './put'

/** What the server is told of a file before it comes. */
export type Announced = {
  size: number
  sha256: string
  content_type: string
  duration_ms: number
  /** Of each piece, when the file is too long to come whole. */
  part_sha256?: string[]
}

/** What an upload needs from its surroundings. */
export type UploadParts = {
  request: (session: string, file: Announced) => Promise<Upload>
  put: Put
  digest: (bytes: ArrayBuffer) => Promise<ArrayBuffer>
  retry: Retry
}

/** The longest file that comes whole, and the pieces of a longer one: the server's contract. */
export const wholeMost = 10 * 1024 * 1024
export const pieceSize = 8 * 1024 * 1024

/** How long nothing may leave before a part counts as failed, in ms: at first, and at most. */
const stalled = { first: 30_000, most: 240_000 }

/**
 * Brings a recording into the store and answers the upload's id. Asking the
 * server again for the same bytes gives the same upload with fresh addresses
 * for what is missing, so each new try goes on where the last one stopped. A
 * part that has arrived makes the next failure a first one.
 */
export async function upload(
  session: string,
  recording: Recording,
  parts: UploadParts,
  onProgress: (share: number) => void,
): Promise<string> {
  const file = await announced(recording, parts.digest)
  return parts.retry.until(async (one) => {
    const plan = await parts.request(session, file)
    await sendMissing(session, recording.file, plan, patient(parts.put, one.failures), one, onProgress)
    return plan.upload_id
  })
}

// Behind a slow line the last of the bytes may take longer than that; then the next try bears with it.
function patient(put: Put, failures: number): Send {
  const patience = Math.min(stalled.most, stalled.first * 2 ** failures)
  return (part, bytes, onProgress) => put(part, bytes, patience, onProgress)
}

type Send = (part: UploadPart, bytes: Blob, onProgress: (sent: number) => void) => Promise<void>

async function announced({ file, durationMs }: Recording, digest: UploadParts['digest']): Promise<Announced> {
  const sum = async (bytes: Blob) => hex(await digest(await bytes.arrayBuffer()))
  const told = { size: file.size, sha256: await sum(file), content_type: file.type, duration_ms: durationMs }
  if (file.size <= wholeMost) return told
  const part_sha256 = []
  for (let at = 0; at < file.size; at += pieceSize) {
    part_sha256.push(await sum(file.slice(at, at + pieceSize)))
  }
  return { ...told, part_sha256 }
}

async function sendMissing(
  session: string,
  file: Blob,
  plan: Upload,
  send: Send,
  one: Try,
  onProgress: (share: number) => void,
): Promise<void> {
  let sent = plan.parts.filter((part) => part.done).reduce((sum, part) => sum + part.size, 0)
  for (const part of plan.parts.filter((part) => !part.done)) {
    const bytes = file.slice(part.offset, part.offset + part.size, file.type)
    const backend = `${path(session)}/upload/${encodeURIComponent(plan.upload_id)}/${part.n}`
    const before = sent
    await sendPart(part, backend, bytes, send, (loaded) => {
      one.moves()
      onProgress(Math.min(1, (before + loaded) / file.size))
    })
    one.gains()
    sent += part.size
  }
}

async function sendPart(
  part: UploadPart,
  backend: string,
  bytes: Blob,
  send: Send,
  onProgress: (sent: number) => void,
): Promise<void> {
  try {
    await send(part, bytes, onProgress)
  } catch (cause) {
    if (alreadyThere(cause)) return
    if (!isAbsolute(part.url)) throw cause
    await send({ ...part, method: 'PUT', url: backend }, bytes, onProgress).catch(unlessThere)
  }
}

function unlessThere(cause: unknown): void {
  if (!alreadyThere(cause)) throw cause
}

// 412: the place is taken, most likely by our own bytes whose answer was lost.
// Completing compares them.
function alreadyThere(cause: unknown): boolean {
  return cause instanceof Problem && cause.status === 412
}

function isAbsolute(url: string): boolean {
  return /^https?:/.test(url)
}

/** Bytes in hexadecimal. */
export function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
