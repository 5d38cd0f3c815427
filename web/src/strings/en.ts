import type { ProblemCode } from '../api/problem'
import type { MicrophoneTrouble } from '../call/microphone'
import type { Notice, Turn } from '../call/state'
import type { Status } from '../api/types'

const problems: Record<ProblemCode | 'not_saved', string> = {
  unauthenticated: 'You are signed out. Sign in again, here or in another tab.',
  forbidden: 'This is not allowed.',
  not_found: 'This is not here, or it is not yours.',
  invalid: 'Something in it is not as it should be.',
  conflict: 'It was changed in the meantime. Load the page again.',
  ended: 'This session has already ended.',
  too_large: 'It is larger than this server takes.',
  rate_limited: 'That was too often in a short time.',
  too_many_calls: 'You are already talking somewhere else. End that conversation first.',
  used_up: 'You have talked as long as a day allows here. Come back tomorrow.',
  provider_quota: 'This server’s credit with the tutor is used up. Tell whoever runs it.',
  provider_key: 'The tutor does not let this server in. Tell whoever runs it.',
  provider_model_gone: 'The tutor that this server asks for is gone. Tell whoever runs it.',
  provider_rate: 'The tutor is busy. Try again in a minute.',
  provider_network: 'The server cannot reach the tutor. Try again in a minute.',
  provider_unavailable: 'Something is wrong with the tutor. Try again in a minute.',
  unavailable: 'The server is not ready. Try again in a minute.',
  offline: 'The server does not answer. Check your connection, then try again.',
  unknown: 'That did not work. Try again.',
  not_saved: 'The server could not verify the recording.',
}

const microphone: Record<MicrophoneTrouble, string> = {
  denied: 'The browser does not let Parley use the microphone. Allow it in the address bar, then try again.',
  missing: 'No microphone was found. Plug one in or connect your headset, then try again.',
  busy: 'The microphone is in use by another program. Close that program, then try again.',
  unsuitable: 'This microphone does not fit what was asked for. Choose another one in the system’s settings.',
  insecure: 'Browsers open the microphone only on this very machine or over https. Use the https address.',
  unknown: 'The microphone did not open. Try again, or restart the browser.',
}

const turns: Record<Turn, string> = {
  listening: 'Listening',
  hearing: 'Listening',
  thinking: 'Thinking',
  speaking: 'Speaking',
}

const notices: Record<Notice, string> = {
  recording_stopped:
    'The recording stopped, most likely because this device is full. What was recorded is kept; you can go on talking or end and save.',
  recording_refused:
    'This browser does not record just now. You can go on talking and get the transcript only, or end and begin again.',
  recording_stalled:
    'Nothing reaches this device’s store right now. What was recorded before is kept. It may come back by itself.',
  microphone_silent:
    'Your microphone gives no sound at all. See whether it is switched off, or use another one.',
  sound_stopped:
    'The browser has stopped the sound, as it does during a phone call: nothing is heard or recorded. It goes on as soon as the browser lets it.',
  microphone_lost: 'The microphone is gone. Plug one in, and the conversation goes on with it.',
  store_refused:
    'This device keeps nothing more, most likely because it is full. What is sent to the server is safe.',
}

const statuses: Record<Status, string> = {
  active: 'In progress',
  ended: 'Ended',
  uploading: 'Uploading',
  finalizing: 'Being checked',
  saved: 'Saved',
  needs_attention: 'Needs attention',
}

/** Every word the page says, in English. Another language is another object of this type. */
export const en = {
  lang: 'en',
  name: 'Parley',
  problems,
  skip: 'Skip to content',
  nav: { label: 'Main', practise: 'Practise', sessions: 'Sessions', account: 'Account' },
  loading: 'Loading…',
  tryAgain: 'Try again',
  againIn: (time: string) => `Try again in ${time}.`,
  cancel: 'Cancel',
  newPassword: 'At least 10 characters. A sentence is easier to keep than a puzzle.',
  notFound: { title: 'There is nothing at this address', home: 'Go to the topics' },
  signIn: {
    title: 'Sign in',
    lead: 'Speak a language out loud, every day. Read and hear afterwards what you said.',
    email: 'E-mail',
    password: 'Password',
    submit: 'Sign in',
    wrong: 'E-mail or password is wrong.',
    or: 'Or without a password',
    passkey: 'Sign in with a passkey',
    provider: 'Sign in at the provider',
    /** Why the way back from the provider led to no sign-in, by the refusal's code. */
    notIn: (code: string) =>
      code === 'unauthenticated'
        ? 'Your account at the provider is not linked with one here. Sign in another way, then link it under Account.'
        : 'The sign-in at the provider did not work. Begin again.',
    unknownPasskey: 'This passkey is not known here. Sign in another way.',
    insecure:
      'This address is not encrypted, so browsers give no microphone here. Use the https address, or the machine itself.',
  },
  setup: {
    title: 'Make the first account',
    lead: 'This server is new. The code is in the address that it printed when it started.',
    code: 'Set-up code',
    name: 'Your name',
    submit: 'Make account',
  },
  topics: {
    title: 'What shall we talk about?',
    own: 'Make a topic of your own',
    mine: 'yours',
    none: 'There are no topics yet. Make the first one.',
  },
  newTopic: {
    title: 'A topic of your own',
    name: 'Title',
    language: 'Language',
    level: 'Level',
    scenario: 'Situation',
    scenarioHint: 'Who are you, who is the tutor, what is going on?',
    goals: 'Goals',
    phrases: 'Useful phrases',
    onePerLine: 'One per line',
    submit: 'Save topic',
  },
  practice: {
    back: 'All topics',
    goals: 'Goals',
    phrases: 'Useful phrases',
    hints: 'Hints',
    ready: 'Before you start',
    headphones: 'Wear headphones, so that the tutor does not hear itself.',
    ai: 'The tutor is a computer voice (an AI), not a person.',
    kept: 'The conversation is recorded and written down. Only you can read and hear it, and you can delete it.',
    partner:
      'No provider is set up, so you practise with the built-in partner. It cannot understand words: you choose a line and say it.',
    noRecording: 'This browser cannot record sound. You get the transcript only.',
    roomHere: (minutes: number) =>
      `This device has room for ${minutes} min of sound. A longer recording stops there: free some space before.`,
    roomFor: (minutes: number) =>
      `The server has room for ${minutes} min of sound now. A longer recording stays on this device until there is more.`,
    check: 'Check the microphone',
    checking: 'Waiting for your permission…',
    heard: 'Say something. The bar should move.',
    level: 'Microphone level',
    start: 'Start talking',
    connecting: {
      microphone: 'Opening the microphone…',
      session: 'Opening a session…',
      token: 'Calling the tutor…',
      call: 'Connecting…',
    },
    turns,
    muted: 'Muted',
    captions: 'Conversation',
    showCaptions: 'Captions',
    you: 'You',
    tutor: 'Tutor',
    chosen: 'Your line was:',
    saying: 'Say one of these',
    chooses: 'Choose a line, then say it aloud.',
    mute: 'Mute',
    unmute: 'Unmute',
    end: 'End & save',
    type: 'Write instead',
    send: 'Send',
    timer: 'Time talked',
    left: (time: string) => `${time} left`,
    microphone,
    notices,
  },
  saving: {
    title: 'Saving your conversation',
    leave: 'Please leave this page open.',
    steps: { recorded: 'Recorded here', uploading: 'Uploaded', checking: 'Checked', saved: 'Saved' },
    progress: 'Upload',
    done: 'Saved. You can close this page.',
    review: 'Read and hear it',
    again: 'Practise again',
    failed: 'Not saved yet',
    kept: 'Nothing is lost: it is kept on this device.',
    retry: 'Try to save again',
    cannotStart: 'The conversation could not begin',
    storage:
      'This browser keeps nothing for us, so a recording could be lost. Leave private browsing or free some space.',
    call: 'The line to the tutor did not come about. A firewall may block it.',
  },
  sessions: {
    title: 'Your sessions',
    search: 'Search in what was said',
    submit: 'Search',
    none: 'Nothing here yet. The first conversation will be the hardest, and the shortest.',
    noMatch: (words: string) => `No session mentions “${words}”.`,
    more: 'Show more',
    first: 'Choose a topic',
    deleted: 'The session is deleted.',
    receipt: 'See its receipt',
  },
  statuses,
  review: {
    back: 'All sessions',
    transcript: 'Transcript',
    recorded: 'recorded',
    turns: (count: number) => (count === 1 ? 'turn' : 'turns'),
    words: (count: number) => (count === 1 ? 'word of yours' : 'words of yours'),
    cost: (day: string) => `at the prices of ${day}`,
    from: (time: string) => `Play from ${time}`,
    interrupted: 'interrupted',
    unheard: 'not heard',
    failed: 'This turn could not be written down.',
    missing: 'The text of this turn did not arrive.',
    pending: 'Being written down…',
    noAudio: 'No recording was made.',
    notYet: 'The recording is being checked. It appears here as soon as it is safe.',
    noTurns: 'Nothing was said.',
    downloads: 'Download',
    formats: { vtt: 'Captions', txt: 'Text', json: 'Data', audio: 'Sound', all: 'Everything' },
    again: 'Practise this topic again',
    delete: 'Delete',
    confirm: {
      title: 'Delete this conversation?',
      text: 'It becomes unreadable at once: transcript and recording, for you and for everybody who runs this server. Then it is swept from every store. There is no way back. You get a receipt that says when each step was done.',
      yes: 'Delete for good',
    },
  },
}
