import type { ProblemCode } from '../api/problem'
import type { Notice, Why } from '../call/state'

// By what the server says that a session ended for. Another one is told plainly.
const timeLimit = 'The session was as long as it may be, so it was ended.'
const serverEnds: Record<string, string> = {
  learner: 'You ended the session somewhere else.',
  token_refresh_failed: 'The tutor could no longer be reached, so the session was ended.',
  abandoned: 'Nothing had come from this page for a while, so the session was ended.',
  idle: 'Nobody had spoken for a while, so the session was ended.',
  used_up: 'The talk that a day allows is used up, so the session was ended.',
  time_limit: timeLimit,
  signed_out: 'You signed out, so the session was ended.',
  operator: 'Whoever runs this server ended the session.',
}

/** The words of a conversation under way and its end, in English. */
export const talkEn = {
  reconnecting: 'Reconnecting…',
  disturbed: 'The connection is disturbed. It often comes back by itself.',
  lost: 'The line to the tutor is gone. A new one is on its way; what was said is kept, and the recording goes on.',
  quiet: 'Nobody has spoken for a while. Say something, or the session ends in',
  lineEnds: 'No other line to the tutor is to be had. End the session to save it; this one lasts',
  endsSoon: 'The session ends within a minute. It is then saved.',
  kept: (length: string, recording: boolean) =>
    recording ? `${length} kept on this device` : `Not recording · ${length} kept on this device`,
  /** Of the notices that the learner decides about. */
  goOn: {
    recording_stopped: 'Go on without recording',
    recording_refused: 'Go on without recording',
    sound_stopped: 'Let the sound go on',
    store_refused: 'Go on',
  } as Partial<Record<Notice, string>>,
  /** What of what has left, how much a second, how many ms it still takes, and for how many nothing has left. */
  upload: (sent: string, speed: string | undefined, left: number | undefined, still: number): string => {
    if (still >= 3_000) return `${sent} · nothing has left for ${Math.floor(still / 1000)} s`
    if (speed === undefined) return sent
    const wait = left === undefined ? '' : ` · ${Math.ceil(left / 1000)} s left`
    return `${sent} · ${speed} a second${wait}`
  },
  /** While a saving waits for something that passes. */
  waits: {
    offline: 'The server does not answer: waiting for the network.',
    goesOn: 'It goes on by itself as soon as it can.',
    safe: (length: string) =>
      length === ''
        ? 'Nothing is lost: all that was said is kept on this device.'
        : `Nothing is lost: ${length} of sound and all that was said are kept on this device.`,
    leave: 'You may close this page, too. At your next visit on this device you can finish.',
    now: 'Try now',
  },
  /** What an earlier visit left on this device. */
  left: {
    title: 'Kept on this device',
    says: (length: string, title: string) => `We kept ${length} of “${title}”.`,
    saysTranscript: (title: string) => `We kept what was said in “${title}”.`,
    unsaved: 'It is not saved yet.',
    gone: 'The session itself is no longer at the server, so this cannot be saved.',
    listen: 'Listen',
    sound: 'What was kept',
    saved: (title: string) => `“${title}” is saved.`,
    goOn: 'Go on where it broke off',
    finish: 'Finish saving',
    discard: 'Discard',
    saving: 'Saving…',
    confirm: {
      title: 'Discard what was kept?',
      text: 'The recording on this device is removed for good. It exists nowhere else.',
      yes: 'Discard it',
    },
    notDiscarded: {
      offline:
        'Nothing was discarded: the server does not answer, and it has to be told first. Try again later.',
      rate_limited: 'Nothing was discarded: the server has to be told first. Try again later.',
      unavailable:
        'Nothing was discarded: the server is not ready, and it has to be told first. Try again later.',
      unknown: 'Nothing was discarded: the server could not be told. Try again later.',
    } as Partial<Record<ProblemCode, string>>,
  },
  otherMicrophone: 'Use another microphone',
  hold: 'Hold to talk',
  holding: 'Let go when you have said it',
  settings: {
    open: 'Settings',
    title: 'How we talk',
    done: 'Done',
    turns: 'Taking turns',
    handsFree: 'Hands-free: speak whenever you like',
    pushToTalk: 'Push to talk: hold a button while you speak',
    patience: 'Time to think',
    patiences: { low: 'Answer soon', normal: 'As usual', high: 'More time to think' },
    speed: 'The tutor speaks',
    speeds: (speed: number) =>
      speed < 0.8 ? 'Slowly' : speed < 1 ? 'A little slower' : 'At the usual speed',
    microphone: 'Microphone',
    system: 'The system’s choice',
    unnamed: 'Browsers name the microphones once they let Parley use one: check yours first.',
    loudspeaker:
      'With loudspeakers the tutor may hear itself and stop. Headphones help; so does push to talk.',
  },
  because: (why: Why, problem: (code: ProblemCode) => string): string => {
    switch (why.cause) {
      case 'learner':
        return ''
      case 'time_limit':
        return timeLimit
      case 'refused':
        return `The line to the tutor broke, and no new one was given. ${problem(why.code)}`
      case 'unreachable':
        return 'The line to the tutor broke, and a new one did not come about for two minutes. Check your connection.'
      case 'server':
        return new Map(Object.entries(serverEnds)).get(why.told) ?? 'The server ended the session.'
    }
  },
}
