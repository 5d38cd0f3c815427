// How somebody likes to hear her recordings, remembered on this device.

/** Whom of the two one hears. */
export type Voices = 'both' | 'learner' | 'tutor'

export type Choice = {
  /** 1 is as it was said. */
  speed: number
  voices: Voices
  /** Whether pauses are left out. */
  skip: boolean
}

/** What somebody has who chose nothing. */
export const usual: Choice = { speed: 1, voices: 'both', skip: false }

/** What there is to choose from. */
export const offered = {
  speed: [0.75, 1, 1.25, 1.5],
  voices: ['both', 'learner', 'tutor'],
} as const satisfies Partial<Record<keyof Choice, readonly unknown[]>>

const key = 'parley.playback'

/** The choice remembered here; what makes no sense is as usual. */
export function remembered(storage: Pick<Storage, 'getItem'>): Choice {
  try {
    const kept: unknown = JSON.parse(storage.getItem(key) ?? '{}')
    return typeof kept === 'object' && kept !== null ? sane({ ...usual, ...kept }) : usual
  } catch {
    return usual // not ours, or a browser that keeps nothing for us
  }
}

/** Remembers a choice on this device. */
export function remember(choice: Choice, storage: Pick<Storage, 'setItem'>): void {
  try {
    storage.setItem(key, JSON.stringify(choice))
  } catch {
    // Nothing is lost but the convenience: the choice holds for this page.
  }
}

function sane({ speed, voices, skip }: Choice): Choice {
  return {
    speed: offered.speed.find((value) => value === speed) ?? usual.speed,
    voices: offered.voices.find((value) => value === voices) ?? usual.voices,
    skip: skip === true,
  }
}
