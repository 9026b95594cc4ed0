import type { CoordinatorShard } from './coordinator-shard.ts'
import type { SnapshotRegistry } from './snapshot-registry.ts'

/** What reads a coordinator's log back needs (Kafka's CoordinatorPlayback). */
export interface CoordinatorPlayback<R> {
  replay(offset: number, record: R): void
  /** Everything below `offset` has been applied. */
  updateLastWrittenOffset(offset: number): void
  /** Everything below `offset` is committed. */
  updateLastCommittedOffset(offset: number): void
}

/**
 * A shard with the offsets up to which its state is written and committed, and the snapshots to go back to (Kafka's
 * SnapshottableCoordinator).
 */
export class SnapshottableCoordinator<S extends CoordinatorShard<R>, R> implements CoordinatorPlayback<R> {
  readonly shard: S
  readonly #snapshotRegistry: SnapshotRegistry
  #lastWrittenOffset = 0
  #lastCommittedOffset = 0

  constructor(snapshotRegistry: SnapshotRegistry, shard: S) {
    this.#snapshotRegistry = snapshotRegistry
    this.shard = shard
    snapshotRegistry.idempotentCreateSnapshot(0)
  }

  get lastWrittenOffset(): number {
    return this.#lastWrittenOffset
  }

  /** There is a snapshot of it. */
  get lastCommittedOffset(): number {
    return this.#lastCommittedOffset
  }

  replay(offset: number, record: R): void {
    this.shard.replay(offset, record)
  }

  /** Makes the state what it was when it was written up to `offset`. @throws RangeError beyond what is written */
  revertLastWrittenOffset(offset: number): void {
    if (offset > this.#lastWrittenOffset) {
      throw new RangeError(
        `cannot revert to offset ${offset}, which is beyond the last written ${this.#lastWrittenOffset}`,
      )
    }
    this.#lastWrittenOffset = offset
    this.#snapshotRegistry.revertToSnapshot(offset)
  }

  /** @throws RangeError unless it goes forth */
  updateLastWrittenOffset(offset: number): void {
    if (offset <= this.#lastWrittenOffset) {
      throw new RangeError(`the last written offset cannot go from ${this.#lastWrittenOffset} to ${offset}`)
    }
    this.#lastWrittenOffset = offset
    this.#snapshotRegistry.idempotentCreateSnapshot(offset)
  }

  /** @throws RangeError when it goes back, or beyond what is written */
  updateLastCommittedOffset(offset: number): void {
    if (offset < this.#lastCommittedOffset || offset > this.#lastWrittenOffset) {
      throw new RangeError(
        `the last committed offset cannot go from ${this.#lastCommittedOffset} to ${offset}, ` +
          `the last written is ${this.#lastWrittenOffset}`,
      )
    }
    this.#lastCommittedOffset = offset
    this.#snapshotRegistry.deleteSnapshotsUpTo(offset)
  }
}
