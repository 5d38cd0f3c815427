import { Problem, type ProblemCode } from '../api/problem'
import type { EndReason } from '../api/types'
import type { Wait } from '../outbox/backoff'
import type { Recorder, RecorderParts } from '../recording/recorder'
import { NotSaved, type SaveNews } from '../saving/save'
import type { Input, Notice } from './state'
import type { Talk } from './talk'
import { vigil } from './vigil'
import type { Voices } from './voices'

/** The part of a recorder that a tape uses. */
export type Machine = Pick<Recorder, 'start' | 'elapsed' | 'stop' | 'keptMs' | 'keptAgo' | 'recording'>

/** Makes a recorder of a stream, in a format. */
export type Tape = (stream: MediaStream, format: string, parts: RecorderParts) => Machine

/** What a keeping needs from its surroundings. */
export type KeepingParts = {
  talk: Talk
  tape: Tape
  voices: Pick<Voices, 'recordable' | 'still' | 'stopped'>
  /** Milliseconds of a clock that never stands still. */
  now: () => number
  wait: Wait
  onInput: (input: Input) => void
}

/** How much of the recording is on this device's disk, in ms; and whether it goes on. */
export type Kept = { ms: number; recording: boolean }

/** What a session leaves behind: its recording, and its way to be saved. */
export class Keeping {
  readonly #talk: Talk
  readonly #parts: KeepingParts
  #machine: Machine | undefined
  #over = false

  constructor(parts: KeepingParts) {
    this.#parts = parts
    this.#talk = parts.talk
  }

  /** Records from now on, where this browser can, and watches over it. `call` is the number of the present one. */
  record(call: () => number): void {
    this.#roll(call)
    const { now, wait, voices, onInput } = this.#parts
    const watched = {
      keptAgo: () => this.#keptAgo,
      isStill: () => voices.still,
      isStopped: () => voices.stopped,
    }
    void vigil(watched, { now, wait }, () => this.#over, onInput)
  }

  #roll(call: () => number): void {
    const { kept, saver, relay, limits } = this.#talk
    const { now, tape, voices, onInput } = this.#parts
    if (!kept.contentType || !voices.recordable) return
    const failure = (notice: Notice) => (cause: unknown) => {
      const because = cause instanceof Error ? cause.name : 'unknown'
      relay.tell(call(), { type: 'parley.recording_stopped', cause: because })
      onInput({ type: 'notice', notice, on: true })
    }
    const onFailure = failure('recording_stopped')
    const parts = { session: kept.id, slices: saver.slices, now, most: limits.upload_bytes, onFailure }
    try {
      const machine = tape(voices.recordable, kept.contentType, parts)
      machine.start()
      this.#machine = machine
    } catch (cause) {
      // A browser may say that it can record, and then not do it.
      failure('recording_refused')(cause)
      return
    }
    relay.timeBy(this.#machine)
    relay.tell(call(), { type: 'parley.recording_started' })
  }

  /** What of it is on this device. */
  get kept(): Kept {
    return { ms: this.#machine?.keptMs ?? 0, recording: this.#machine?.recording ?? false }
  }

  get #keptAgo(): number | undefined {
    return this.#machine?.recording ? this.#machine.keptAgo : undefined
  }

  /** Resolves when the last slice is on disk. */
  async stop(reason?: EndReason): Promise<void> {
    this.#over = true
    if (reason) this.#talk.kept = { ...this.#talk.kept, ended: reason }
    await this.#machine?.stop()
    if (!reason) return
    try {
      await this.#talk.saver.kept.change(this.#talk.kept.id, { ended: reason })
    } catch {
      // Only a later visit would read it, and that one then calls it the learner's end.
    }
  }

  /** Saves, and tells how it goes; `settled` is when no more events are to come. */
  async save(settled: Promise<void>): Promise<void> {
    const { saver, kept, outbox } = this.#talk
    const { onInput } = this.#parts
    const news: SaveNews = {
      onStage: (stage) => {
        const { share, size } = stage.name === 'uploading' ? stage : { share: 0, size: 0 }
        onInput({ type: 'progress', stage: stage.name, share, size })
      },
      onWaiting: (problem) => {
        onInput({ type: 'waiting', code: problem?.code ?? null })
      },
    }
    try {
      await saver.save(kept, outbox, settled, news)
    } catch (cause) {
      onInput({ type: 'not_saved', ...explain(cause) })
      return
    }
    onInput({ type: 'saved' })
  }

  /** Ends, at the server, a session of which nothing was recorded. If this fails the next visit finishes it. */
  async close(): Promise<void> {
    const { saver, kept, outbox } = this.#talk
    const nothingRecorded = { ...kept, contentType: null }
    const news = { onStage: () => undefined, onWaiting: () => undefined }
    await saver.save(nothingRecorded, outbox, Promise.resolve(), news).catch(() => undefined)
  }

  /** What waits to be sent need not wait any longer. */
  tryNow(): void {
    this.#talk.outbox.retry.now()
  }

  /** Tries nothing again any more. */
  giveUp(): void {
    this.#talk.outbox.retry.stop()
  }
}

function explain(cause: unknown): { code: ProblemCode | 'not_saved'; detail: string } {
  if (cause instanceof NotSaved) return { code: 'not_saved', detail: cause.message }
  if (cause instanceof Problem) return { code: cause.code, detail: cause.message }
  return { code: 'unknown', detail: String(cause) }
}
