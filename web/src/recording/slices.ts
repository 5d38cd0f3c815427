import { ofSession, type Database } from '../device/database'

/** One second of a recording, as the recorder gave it out. */
type Slice = { session: string; n: number; bytes: ArrayBuffer; endedMs: number }

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
  add(session: string, n: number, bytes: ArrayBuffer, endedMs: number): Promise<void> {
    const slice: Slice = { session, n, bytes, endedMs }
    return this.#database.write(['slices'], (transaction) => {
      transaction.objectStore('slices').add(slice)
    })
  }

  /**
   * The recording as far as it was kept; undefined without the first slice,
   * which holds the header. After a missing slice nothing more is taken: any
   * prefix plays, a file with a hole does not.
   */
  async recording(session: string, contentType: string): Promise<Recording | undefined> {
    const slices = await this.#of(session)
    const whole = slices.filter((slice, place) => slice.n === place)
    const last = whole.at(-1)
    if (!last) return undefined
    const file = new Blob(
      whole.map((slice) => slice.bytes),
      { type: contentType },
    )
    return { file, durationMs: Math.round(last.endedMs) }
  }

  /** How long the kept recording of a session is, in ms; 0 when there is none. */
  async keptMs(session: string): Promise<number> {
    const cursor = await this.#database.read('slices', (slices) =>
      slices.openCursor(ofSession(session), 'prev'),
    )
    return cursor ? (cursor.value as Slice).endedMs : 0
  }

  /** How many bytes it has. */
  async keptBytes(session: string): Promise<number> {
    const slices = await this.#of(session)
    return slices.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
  }

  #of(session: string): Promise<Slice[]> {
    return this.#database.read('slices', (slices) => slices.getAll(ofSession(session)) as IDBRequest<Slice[]>)
  }
}
