/** Something that waits for an offset to be committed (Kafka's DeferredEvent). */
export interface DeferredEvent {
  /** Undefined: it was committed; else why it will not be. Only the first call counts. */
  complete(error: Error | undefined): void
}

interface Entry {
  readonly offset: number
  readonly events: readonly DeferredEvent[]
}

/** Events in the order of the offsets that they wait for (Kafka's DeferredEventQueue). */
export class DeferredEventQueue {
  /** Offsets never go down. */
  #entries: Entry[] = []

  /** Events that wait. */
  get size(): number {
    return this.#entries.reduce((sum, { events }) => sum + events.length, 0)
  }

  /** @param offset at least that of the call before */
  add(offset: number, events: readonly DeferredEvent[]): void {
    const last = this.#entries.at(-1)
    if (last !== undefined && last.offset > offset) {
      throw new RangeError(`an event waits for offset ${offset} after one that waits for ${last.offset}`)
    }
    this.#entries.push({ offset, events })
  }

  /** Everything below `offset` is committed. */
  completeUpTo(offset: number): void {
    for (let first = this.#entries[0]; first !== undefined && first.offset <= offset; first = this.#entries[0]) {
      this.#entries.shift()
      for (const event of first.events) event.complete(undefined)
    }
  }

  failAll(error: Error): void {
    const entries = this.#entries
    this.#entries = []
    for (const { events } of entries) for (const event of events) event.complete(error)
  }
}
