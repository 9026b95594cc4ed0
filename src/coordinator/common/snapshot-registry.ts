/** Whatever can go back to how it was at a snapshot. */
export interface Revertible {
  /** Undoes what a delta says. */
  revert(delta: unknown): void
}

interface Snapshot {
  readonly epoch: number
  /** What changed since, as each timeline has recorded it. */
  readonly deltas: Map<Revertible, unknown>
}

/**
 * Points in time that state can be read at and go back to (Kafka's timeline.SnapshotRegistry). An epoch is the offset up to
 * which records were applied. What it holds is bounded by what is written and not yet committed.
 */
export class SnapshotRegistry {
  /** Oldest first. */
  #snapshots: Snapshot[] = []

  /** Epochs that have a snapshot, oldest first. */
  get epochs(): readonly number[] {
    return this.#snapshots.map(({ epoch }) => epoch)
  }

  hasSnapshot(epoch: number): boolean {
    return this.#snapshots.some(snapshot => snapshot.epoch === epoch)
  }

  /** Makes a snapshot of everything as it is now; nothing if this epoch has one. @throws RangeError for an epoch before the newest */
  idempotentCreateSnapshot(epoch: number): void {
    const newest = this.#snapshots.at(-1)
    if (newest !== undefined && newest.epoch === epoch) return
    if (newest !== undefined && newest.epoch > epoch) {
      throw new RangeError(`a snapshot of epoch ${epoch}, but there is one of epoch ${newest.epoch}`)
    }
    this.#snapshots.push({ epoch, deltas: new Map() })
  }

  /** Makes everything as it was at the snapshot, and forgets the later ones. @throws RangeError when there is none */
  revertToSnapshot(epoch: number): void {
    const index = this.#indexOf(epoch)
    for (const { deltas } of this.#snapshots.slice(index).reverse()) {
      for (const [timeline, delta] of deltas) timeline.revert(delta)
    }
    this.#snapshots.length = index + 1
    this.#snapshots[index]?.deltas.clear()
  }

  /** Forgets the snapshots before `epoch`. */
  deleteSnapshotsUpTo(epoch: number): void {
    const kept = this.#snapshots.findIndex(snapshot => snapshot.epoch >= epoch)
    this.#snapshots = kept < 0 ? [] : this.#snapshots.slice(kept)
  }

  /** Forgets all snapshots; everything stays as it is now. */
  reset(): void {
    this.#snapshots = []
  }

  /** For timelines: what has changed since the newest snapshot; undefined when there is none and nothing need be recorded. */
  currentDelta<D>(timeline: Revertible, create: () => D): D | undefined {
    const newest = this.#snapshots.at(-1)
    if (newest === undefined) return undefined
    let delta = newest.deltas.get(timeline) as D | undefined
    if (delta === undefined) {
      delta = create()
      newest.deltas.set(timeline, delta)
    }
    return delta
  }

  /** For timelines: what has changed since the snapshot of `epoch`, oldest first. @throws RangeError when there is none */
  *deltasSince<D>(timeline: Revertible, epoch: number): Generator<D> {
    const index = this.#indexOf(epoch)
    for (const { deltas } of this.#snapshots.slice(index)) {
      const delta = deltas.get(timeline) as D | undefined
      if (delta !== undefined) yield delta
    }
  }

  #indexOf(epoch: number): number {
    const index = this.#snapshots.findIndex(snapshot => snapshot.epoch === epoch)
    if (index < 0) throw new RangeError(`no snapshot of epoch ${epoch}, there are ${this.epochs.join(', ') || 'none'}`)
    return index
  }
}
