import { path } from '../api/client'
import { Problem } from '../api/problem'
import type { Upload, UploadPart } from '../api/types'
import { backoff, type Wait } from '../outbox/backoff'
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
  wait: Wait
  random: () => number
}

/** The longest file that comes whole, and the pieces of a longer one: the server's contract. */
export const wholeMost = 10 * 1024 * 1024
export const pieceSize = 8 * 1024 * 1024

/** How often the whole is tried before the learner is asked. */
const attempts = 8

/**
 * Brings a recording into the store and answers the upload's id. Asking the
 * server again for the same bytes gives the same upload with fresh addresses
 * for what is missing, so each new try goes on where the last one stopped.
 */
export async function upload(
  session: string,
  recording: Recording,
  parts: UploadParts,
  onProgress: (share: number) => void,
): Promise<string> {
  const file = await announced(recording, parts.digest)
  for (let tries = 1; ; tries++) {
    try {
      const plan = await parts.request(session, file)
      await sendMissing(session, recording.file, plan, parts.put, onProgress)
      return plan.upload_id
    } catch (cause) {
      if (!(cause instanceof Problem && cause.passing) || tries === attempts) throw cause
      await parts.wait(Math.max(backoff(tries, parts.random), cause.againInMs ?? 0))
    }
  }
}

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
  put: Put,
  onProgress: (share: number) => void,
): Promise<void> {
  let sent = plan.parts.filter((part) => part.done).reduce((sum, part) => sum + part.size, 0)
  for (const part of plan.parts.filter((part) => !part.done)) {
    const bytes = file.slice(part.offset, part.offset + part.size, file.type)
    const backend = `${path(session)}/upload/${encodeURIComponent(plan.upload_id)}/${part.n}`
    const before = sent
    await sendPart(part, backend, bytes, put, (loaded) => {
      onProgress(Math.min(1, (before + loaded) / file.size))
    })
    sent += part.size
  }
}

async function sendPart(
  part: UploadPart,
  backend: string,
  bytes: Blob,
  put: Put,
  onProgress: (sent: number) => void,
): Promise<void> {
  try {
    await put(part, bytes, onProgress)
  } catch (cause) {
    if (alreadyThere(cause)) return
    if (!isAbsolute(part.url)) throw cause
    await put({ ...part, method: 'PUT', url: backend }, bytes, onProgress).catch(unlessThere)
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
