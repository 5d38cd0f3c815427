import { record, text, type ProviderEvent } from './provider'

/** A commit that the provider has not answered yet. */
type Commit = { id: string; became: (item: string) => void }

/**
 * The turns that are committed by hand in one call. The provider takes one
 * commit after the other, and says of each which item it became, or why none.
 */
export class Commits {
  readonly #send: (event: ProviderEvent) => void
  #unanswered: readonly Commit[] = []
  #made = 0

  constructor(send: (event: ProviderEvent) => void) {
    this.#send = send
  }

  /** Commits what was heard; resolves with its item, empty when there is none. */
  make(): Promise<string> {
    const id = `commit_${++this.#made}`
    this.#send({ type: 'input_audio_buffer.commit', event_id: id })
    return new Promise((became) => {
      this.#unanswered = [...this.#unanswered, { id, became }]
    })
  }

  /** Hears what the provider made of them. */
  follow(event: ProviderEvent): void {
    if (event.type === 'input_audio_buffer.committed')
      this.#answer(this.#unanswered[0], text(event, 'item_id'))
    if (event.type !== 'error') return
    const { event_id } = record(event.error)
    this.#answer(
      this.#unanswered.find(({ id }) => id === event_id),
      '',
    )
  }

  #answer(commit: Commit | undefined, item: string): void {
    this.#unanswered = this.#unanswered.filter((other) => other !== commit)
    commit?.became(item)
  }
}
