import type { Revertible, SnapshotRegistry } from './snapshot-registry.ts'

/** What a key had at a snapshot; undefined: it was not there. */
type Delta<K, V> = Map<K, V | undefined>

/**
 * A map that can be read as it was at a snapshot, and go back to it (Kafka's TimelineHashMap). Values must not be changed in
 * place. Iteration is in insertion order; keys that return by a revert come last.
 */
export class TimelineMap<K, V extends NonNullable<unknown>> implements Revertible {
  readonly #registry: SnapshotRegistry
  readonly #entries = new Map<K, V>()

  constructor(registry: SnapshotRegistry) {
    this.#registry = registry
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** The value at the snapshot of `epoch`. @throws RangeError when there is no such snapshot */
  getAt(key: K, epoch: number): V | undefined {
    for (const delta of this.#registry.deltasSince<Delta<K, V>>(this, epoch)) {
      if (delta.has(key)) return delta.get(key)
    }
    return this.#entries.get(key)
  }

  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /** Returns the value before. */
  set(key: K, value: V): V | undefined {
    const before = this.#entries.get(key)
    this.#record(key, before)
    this.#entries.set(key, value)
    return before
  }

  /** Returns the value before. */
  delete(key: K): V | undefined {
    const before = this.#entries.get(key)
    if (before === undefined) return undefined
    this.#record(key, before)
    this.#entries.delete(key)
    return before
  }

  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries()
  }

  keys(): IterableIterator<K> {
    return this.#entries.keys()
  }

  values(): IterableIterator<V> {
    return this.#entries.values()
  }

  /** All entries at the snapshot of `epoch`. @throws RangeError when there is no such snapshot */
  entriesAt(epoch: number): [K, V][] {
    const keys = new Set(this.#entries.keys())
    for (const delta of this.#registry.deltasSince<Delta<K, V>>(this, epoch)) {
      for (const key of delta.keys()) keys.add(key)
    }
    return [...keys].flatMap((key): [K, V][] => {
      const value = this.getAt(key, epoch)
      return value === undefined ? [] : [[key, value]]
    })
  }

  revert(delta: unknown): void {
    for (const [key, before] of delta as Delta<K, V>) {
      if (before === undefined) this.#entries.delete(key)
      else this.#entries.set(key, before)
    }
  }

  #record(key: K, before: V | undefined): void {
    const delta = this.#registry.currentDelta<Delta<K, V>>(this, () => new Map())
    if (delta !== undefined && !delta.has(key)) delta.set(key, before)
  }
}
