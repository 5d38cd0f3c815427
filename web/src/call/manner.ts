// How the learner wants to be talked with, and what that means to the provider.
import type { ProviderEvent, Told } from './provider'

/** How the learner wants to be talked with. */
export type Manner = {
  /** Whether she is heard all the time, or while she holds a button. */
  turns: 'hands_free' | 'push_to_talk'
  /** How long the tutor waits before it takes a silence for the end of her turn. */
  patience: 'low' | 'normal' | 'high'
  /** The tutor's speed; 1 is usual. */
  speed: number
}

/** What a learner has who chose nothing. */
export const usual: Manner = { turns: 'hands_free', patience: 'normal', speed: 1 }

/** The speeds to choose from. */
export const speeds = [0.7, 0.85, 1] as const

// The provider's words for patience, by its two ways to tell turns apart.
const eagerness = { low: 'high', normal: 'auto', high: 'low' } as const
const silence = { low: 300, normal: 500, high: 1_200 } as const

/** Asks a running call to tell turns apart so. */
export function turnsEvent(manner: Manner, told: Told | undefined): ProviderEvent {
  const turns = { turn_detection: detection(manner, told) }
  return update(told?.beta ? turns : ga({ input: turns }))
}

/** Asks a running call for this speed; the provider takes it only between the tutor's turns. */
export function speedEvent({ speed }: Manner, told: Told | undefined): ProviderEvent {
  return update(told?.beta ? { speed } : ga({ output: { speed } }))
}

function update(session: Record<string, unknown>): ProviderEvent {
  return { type: 'session.update', session }
}

function ga(audio: Record<string, unknown>) {
  return { type: 'realtime', audio }
}

function detection({ turns, patience }: Manner, told: Told | undefined) {
  if (turns === 'push_to_talk') return null
  const answers = { create_response: true, interrupt_response: true }
  const now = told?.turnDetection ?? {}
  // By level is the only way that every server of the beta has.
  const semantic = now.type === undefined ? !told?.beta : now.type !== 'server_vad'
  if (semantic) return { type: 'semantic_vad', eagerness: eagerness[patience], ...answers }
  const { threshold = 0.5, prefix_padding_ms = 300 } = now
  const silence_duration_ms = silence[patience]
  return { type: 'server_vad', threshold, prefix_padding_ms, silence_duration_ms, ...answers }
}

const key = 'parley.manner'

/** The manner remembered on this device; what makes no sense there is as usual. */
export function remembered(storage: Pick<Storage, 'getItem'>): Manner {
  try {
    const kept: unknown = JSON.parse(storage.getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? sane({ ...usual, ...kept }) : usual
  } catch {
    return usual // not ours, or a browser that keeps nothing for us
  }
}

/** Remembers a manner on this device. */
export function remember(manner: Manner, storage: Pick<Storage, 'setItem'>): void {
  try {
    storage.setItem(key, JSON.stringify(manner))
  } catch {
    // A browser that keeps nothing for us: it holds for this page.
  }
}

function sane({ turns, patience, speed }: Manner): Manner {
  return {
    turns: turns === 'push_to_talk' ? turns : usual.turns,
    patience: Object.hasOwn(silence, patience) ? patience : usual.patience,
    speed: speeds.some((known) => known === speed) ? speed : usual.speed,
  }
}
