import type { Voices } from '../playback/choice'

/** The words around a recording that is heard. */
export const playbackEn = {
  player: 'Recording',
  play: 'Play',
  pause: 'Pause',
  position: 'Position',
  backward: 'Back 5 seconds',
  forward: 'Forward 5 seconds',
  speed: 'Speed',
  voices: 'Voices',
  choices: { both: 'Both', learner: 'Only me', tutor: 'Only the tutor' } satisfies Record<Voices, string>,
  skip: 'Skip silence',
  follow: 'Follow along',
  // What a recording lacks.
  gaps: (count: number, length: string) =>
    count === 1
      ? `The recording has a gap of ${length}.`
      : `The recording has ${count} gaps, ${length} in all.`,
  moment: 'less than a second',
  short: (length: string) => `The recording ends ${length} before the conversation does.`,
  cut: 'The end of the recording was cut off.',
  unusable: 'A piece of the recording could not be used.',
  keys: 'Keys, while a turn or the player has the focus: space plays and stops, the arrows go 5 seconds back and on, K and J to the turn before and after.',
}
