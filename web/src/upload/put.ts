import { Problem, problemFrom } from '../api/problem'

/** Sends bytes and tells how many have left. It fails when for `patience` ms none does, and no answer comes. */
export type Put = (
  request: { method: string; url: string; headers: Record<string, string> },
  body: Blob,
  patience: number,
  onProgress: (sent: number) => void,
) => Promise<void>

// The browser writes these itself and refuses to have them set.
const browsersOwn = new Set(['content-length', 'host'])

/**
 * A {@link Put} by XMLHttpRequest: fetch cannot tell how far an upload is.
 * Rejects with a Problem; status 0 when there was no answer.
 */
export const putByRequest: Put = (request, body, patience, onProgress) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open(request.method, request.url)
    for (const [name, value] of Object.entries(request.headers)) {
      if (!browsersOwn.has(name.toLowerCase())) xhr.setRequestHeader(name, value)
    }
    // A line that is gone may leave a request without an end, as on the way from one network to another.
    let stall: ReturnType<typeof setTimeout>
    const watch = () => {
      clearTimeout(stall)
      stall = setTimeout(() => {
        xhr.abort()
      }, patience)
    }
    xhr.upload.onprogress = (event) => {
      watch()
      onProgress(event.loaded)
    }
    xhr.onloadend = () => {
      clearTimeout(stall)
    }
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve()
      else problemOf(xhr).then(reject, reject)
    }
    xhr.onerror = xhr.onabort = () => {
      reject(new Problem('offline', 0, 'the upload got no answer'))
    }
    xhr.send(body)
    watch()
  })

function problemOf(xhr: XMLHttpRequest): Promise<Problem> {
  const type = xhr.getResponseHeader('Content-Type') ?? ''
  return problemFrom(
    new Response(xhr.responseText, { status: xhr.status, headers: { 'Content-Type': type } }),
  )
}
