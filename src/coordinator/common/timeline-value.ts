import type { Revertible, SnapshotRegistry } from './snapshot-registry.ts'

/** One value that can be read as it was at a snapshot, and go back to it (Kafka's TimelineObject). It must not be changed in place. */
export class TimelineValue<T> implements Revertible {
  readonly #registry: SnapshotRegistry
  #value: T

  constructor(registry: SnapshotRegistry, initial: T) {
    this.#registry = registry
    this.#value = initial
  }

  get(): T {
    return this.#value
  }

  /** The value at the snapshot of `epoch`. @throws RangeError when there is no such snapshot */
  getAt(epoch: number): T {
    for (const delta of this.#registry.deltasSince<{ before: T }>(this, epoch)) return delta.before
    return this.#value
  }

  set(value: T): void {
    const before = this.#value
    this.#registry.currentDelta(this, () => ({ before }))
    this.#value = value
  }

  revert(delta: unknown): void {
    this.#value = (delta as { before: T }).before
  }
}
