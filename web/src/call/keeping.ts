import { Problem, type ProblemCode } from '../api/problem'
import type { EndReason } from '../api/types'
import type { Recorder, RecorderParts } from '../recording/recorder'
import { NotSaved, type Stage } from '../saving/save'
import type { Talk } from './talk'

/** The part of a recorder that a tape uses. */
export type Machine = Pick<Recorder, 'start' | 'elapsed' | 'stop'>

/** Makes a recorder of a stream, in a format. */
export type Tape = (stream: MediaStream, format: string, parts: RecorderParts) => Machine

/** What a session leaves behind: its recording, and its way to be saved. */
export class Keeping {
  readonly #talk: Talk
  readonly #tape: Tape
  readonly #now: () => number
  #machine: Machine | undefined

  constructor(talk: Talk, tape: Tape, now: () => number) {
    this.#talk = talk
    this.#tape = tape
    this.#now = now
  }

  /** Records a stream from now on; `onFailure` when that breaks off. False when this browser records nothing. */
  record(stream: MediaStream | undefined, onFailure: (cause: unknown) => void): boolean {
    const { kept, saver, relay } = this.#talk
    if (!kept.contentType || !stream) return false
    const parts = { session: kept.id, slices: saver.slices, now: this.#now, onFailure }
    this.#machine = this.#tape(stream, kept.contentType, parts)
    this.#machine.start()
    relay.timeBy(this.#machine)
    return true
  }

  /** Resolves when the last slice is on disk. */
  async stop(reason?: EndReason): Promise<void> {
    if (reason) this.#talk.kept = { ...this.#talk.kept, ended: reason }
    await this.#machine?.stop()
    if (!reason) return
    try {
      await this.#talk.saver.kept.change(this.#talk.kept.id, { ended: reason })
    } catch {
      // Only a later visit would read it, and that one then calls it the learner's end.
    }
  }

  /** Saves; `settled` is when no more events are to come. Gives what kept it from that, or undefined. */
  async save(settled: Promise<void>, onStage: (stage: Stage) => void): Promise<Refusal | undefined> {
    const { saver, kept, outbox } = this.#talk
    try {
      await saver.save(kept, outbox, settled, onStage)
      return undefined
    } catch (cause) {
      return explain(cause)
    }
  }

  /** Ends, at the server, a session of which nothing was recorded. If this fails the next visit finishes it. */
  async close(): Promise<void> {
    const { saver, kept, outbox } = this.#talk
    const nothingRecorded = { ...kept, contentType: null }
    await saver.save(nothingRecorded, outbox, Promise.resolve(), () => undefined).catch(() => undefined)
  }
}

/** Why something was not saved. */
export type Refusal = { code: ProblemCode | 'not_saved'; detail: string }

function explain(cause: unknown): Refusal {
  if (cause instanceof NotSaved) return { code: 'not_saved', detail: cause.message }
  if (cause instanceof Problem) return { code: cause.code, detail: cause.message }
  return { code: 'unknown', detail: String(cause) }
}
