import type { RecordId } from '../history/history.ts'
import type { SinkName } from '../trial/group-spec.ts'

/**
 * The external store behind a group's application: a database that no fault reaches. It takes effects in the order in which
 * they come; an idempotent one takes none of the same record twice.
 */
export class Sink {
  readonly #kind: SinkName
  readonly #taken = new Set<RecordId>()

  constructor(kind: SinkName) {
    this.#kind = kind
  }

  /** Whether the effect was taken; false when the sink had it already and does not take it again. */
  take(id: RecordId): boolean {
    const isKnown = this.#taken.has(id)
    this.#taken.add(id)
    return !isKnown || this.#kind === 'none'
  }
}
