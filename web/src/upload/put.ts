import { Problem, problemFrom } from '../api/problem'

/** Sends bytes and tells how many have left. */
export type Put = (
  request: { method: string; url: string; headers: Record<string, string> },
  body: Blob,
  onProgress: (sent: number) => void,
) => Promise<void>

// The browser writes these itself and refuses to have them set.
const browsersOwn = new Set(['content-length', 'host'])

/**
 * A {@link Put} by XMLHttpRequest: fetch cannot tell how far an upload is.
 * Rejects with a Problem; status 0 when there was no answer.
 */
export const putByRequest: Put = (request, body, onProgress) =>
  new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    xhr.open(request.method, request.url)
    for (const [name, value] of Object.entries(request.headers)) {
      if (!browsersOwn.has(name.toLowerCase())) xhr.setRequestHeader(name, value)
    }
    xhr.upload.onprogress = (event) => {
      onProgress(event.loaded)
    }
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve()
      else problemOf(xhr).then(reject, reject)
    }
    xhr.onerror = () => {
      reject(new Problem('offline', 0, 'the upload got no answer'))
    }
    xhr.send(body)
  })

function problemOf(xhr: XMLHttpRequest): Promise<Problem> {
  const type = xhr.getResponseHeader('Content-Type') ?? ''
  return problemFrom(
    new Response(xhr.responseText, { status: xhr.status, headers: { 'Content-Type': type } }),
  )
}
