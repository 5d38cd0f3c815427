// What a page needs only when a conversation begins. All of it is there before
// the first call: nothing can be loaded when the network is gone.
import { Recorder } from '../recording/recorder'
import { Awake } from './awake'
import { Connection } from './connection'
import { Conversation } from './conversation'
import type { Later } from './runner'

export { openTalk } from './talk'

/** A conversation by this browser's own means. */
export const converse: Later['converse'] = (parts) =>
  new Conversation({
    ...parts,
    dial: (voice, events) => new Connection(voice, events),
    tape: (stream, format, how) => new Recorder(stream, format, how),
    awake: new Awake(document, navigator.wakeLock as WakeLock | undefined),
  })
