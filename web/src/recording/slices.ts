import { ofSession, type Database } from '../device/database'

/** One second of a recording, as the recorder gave it out. */
export type Slice = {
  n: number
  bytes: ArrayBuffer
  /** Where it ends in the recording, in ms. */
  endedMs: number
  /** How many bytes the recording has with it. */
  through: number
}

/** A recording put together from its slices. */
export type Recording = {
  file: Blob
  /** From the recorder's start to the end of the last slice, in ms. */
  durationMs: number
}

/** The slices of recordings in this browser: numbered from 0, each written once. */
export class Slices {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Resolves when the slice is on disk. A number used before is refused: a repeated slice breaks the file. */
  add(session: string, slice: Slice): Promise<void> {
    return this.#database.write(['slices'], (transaction) => {
      transaction.objectStore('slices').add({ session, ...slice })
    })
  }

  /**
   * The recording as far as it was kept; undefined without the first slice,
   * which holds the header. After a missing slice nothing more is taken: any
   * prefix plays, a file with a hole does not.
   */
  async recording(session: string, contentType: string): Promise<Recording | undefined> {
    const slices = await this.#database.read(
      'slices',
      (slices) => slices.getAll(ofSession(session)) as IDBRequest<Slice[]>,
    )
    const whole = slices.filter((slice, place) => slice.n === place)
    const last = whole.at(-1)
    if (!last) return undefined
    const file = new Blob(
      whole.map((slice) => slice.bytes),
      { type: contentType },
    )
    return { file, durationMs: Math.round(last.endedMs) }
  }

  /** How long the kept recording of a session is, in ms, and how many bytes it has; 0 when there is none. */
  async extent(session: string): Promise<{ ms: number; bytes: number }> {
    // The last one tells: hours of sound need not be read for it.
    const cursor = await this.#database.read('slices', (slices) =>
      slices.openCursor(ofSession(session), 'prev'),
    )
    const last = cursor?.value as Slice | undefined
    return { ms: last?.endedMs ?? 0, bytes: last?.through ?? 0 }
  }
}
