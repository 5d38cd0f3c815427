/** What kept us from the microphone; each has its own advice. */
export type MicrophoneTrouble = 'denied' | 'missing' | 'busy' | 'unsuitable' | 'insecure' | 'unknown'

const troubles = new Map<string, MicrophoneTrouble>(
  Object.entries({
    NotAllowedError: 'denied',
    SecurityError: 'denied',
    NotFoundError: 'missing',
    NotReadableError: 'busy',
    AbortError: 'busy',
    OverconstrainedError: 'unsuitable',
  }),
)

/** Names the trouble behind a refusal of getUserMedia. */
export function microphoneTrouble(cause: unknown): MicrophoneTrouble {
  return (cause instanceof Error ? troubles.get(cause.name) : undefined) ?? 'unknown'
}

/**
 * Opens the microphone for speech: the named one while it is there, or the one of the system. Without TLS, except on
 * this very machine, browsers have no `mediaDevices` at all: that is `insecure`.
 */
export async function openMicrophone(
  devices: MediaDevices | undefined,
  device = '',
): Promise<{ stream: MediaStream } | { trouble: MicrophoneTrouble }> {
  if (!devices) return { trouble: 'insecure' }
  try {
    const speech = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
    const audio = device === '' ? speech : { ...speech, deviceId: { ideal: device } }
    return { stream: await devices.getUserMedia({ audio }) }
  } catch (cause) {
    return { trouble: microphoneTrouble(cause) }
  }
}

const key = 'parley.microphone'

/** The microphone that was chosen on this device; empty: the system's choice. */
export function chosenMicrophone(storage: Pick<Storage, 'getItem'>): string {
  try {
    return storage.getItem(key) ?? ''
  } catch {
    return '' // a browser that keeps nothing for us
  }
}

/** Remembers it. */
export function chooseMicrophone(device: string, storage: Pick<Storage, 'setItem'>): void {
  try {
    storage.setItem(key, device)
  } catch {
    // A browser that keeps nothing for us: it holds for this page.
  }
}
