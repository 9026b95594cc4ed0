import type { DelayedOperation } from './delayed-operation.ts'
import type { Runtime } from './runtime.ts'
import { SystemTimer } from './system-timer.ts'

const DEFAULT_PURGE_INTERVAL = 1000

export interface DelayedOperationPurgatoryOptions {
  /** Completed operations that may stay on watch lists before these are swept; default 1000. */
  readonly purgeInterval?: number
}

/**
 * Where delayed operations wait (Kafka's `DelayedOperationPurgatory`): under the keys whose events may complete them,
 * and in a timer that completes them when their time runs out.
 *
 * An operation that completes stays on the lists of its other keys until one of these keys is checked or, once more than
 * `purgeInterval` operations are completed but perhaps still watched, until the next operation comes in. Kafka sweeps
 * from a thread that looks every 200 ms; sweeping from the caller keeps idle time free. The operations themselves are
 * bounded by what brings them in: a connection has one request in flight.
 */
export class DelayedOperationPurgatory<T extends DelayedOperation> {
  readonly name: string
  readonly #purgeInterval: number
  readonly #timer: SystemTimer
  readonly #watchersByKey = new Map<string, Set<T>>()
  #estimatedTotalOperations = 0

  /** @param name Kafka's: `Fetch`, `Produce`, … */
  constructor(runtime: Runtime, name: string, options: DelayedOperationPurgatoryOptions = {}) {
    this.name = name
    this.#purgeInterval = options.purgeInterval ?? DEFAULT_PURGE_INTERVAL
    this.#timer = new SystemTimer(runtime)
  }

  /** Entries on all watch lists, those of completed operations included: Kafka's metric `PurgatorySize`. */
  get watched(): number {
    let sum = 0
    for (const watchers of this.#watchersByKey.values()) sum += watchers.size
    return sum
  }

  /** Operations that wait: Kafka's metric `NumDelayedOperations`. */
  get delayed(): number {
    return this.#timer.size
  }

  /**
   * Completes the operation if that is possible now; otherwise watches it under the keys and starts its clock. Returns
   * whether it completed at once.
   *
   * @param keys at least one; every event that can complete the operation is told to `checkAndComplete` with one of them
   */
  tryCompleteElseWatch(operation: T, keys: readonly string[]): boolean {
    if (keys.length === 0) throw new RangeError(`purgatory ${this.name}: an operation must be watched under a key`)
    if (operation.tryComplete()) return true
    for (const key of keys) {
      if (operation.isCompleted) break
      this.#watch(key, operation)
    }
    this.#estimatedTotalOperations += 1
    // Again, now that no event can be missed: what the first attempt or the watching set off may have made it possible.
    if (operation.tryComplete()) return true
    if (!operation.isCompleted) this.#timer.add(operation)
    this.#purgeIfDue()
    return false
  }

  /** Tries to complete every operation watched under the key; returns how many of them were completed by that. */
  checkAndComplete(key: string): number {
    const watchers = this.#watchersByKey.get(key)
    if (watchers === undefined) return 0
    let completed = 0
    // Completing an operation can bring new ones under the same key; those have just been tried, so stop before them.
    let left = watchers.size
    for (const operation of watchers) {
      if (left === 0) break
      left -= 1
      if (operation.isCompleted) {
        watchers.delete(operation)
      } else if (operation.tryComplete()) {
        watchers.delete(operation)
        completed += 1
      }
    }
    this.#removeKeyIfEmpty(key, watchers)
    return completed
  }

  /** Stops watching what is watched under the key and stops its clock, without completing it; returns the operations. */
  cancelForKey(key: string): T[] {
    const watchers = this.#watchersByKey.get(key)
    if (watchers === undefined) return []
    this.#watchersByKey.delete(key)
    for (const operation of watchers) operation.cancel()
    return [...watchers]
  }

  /** Stops the clock. As in Kafka, operations that still wait are not completed; nothing expires any more. */
  shutdown(): void {
    this.#timer.close()
  }

  #watch(key: string, operation: T): void {
    const watchers = this.#watchersByKey.get(key)
    if (watchers === undefined) this.#watchersByKey.set(key, new Set([operation]))
    else watchers.add(operation)
  }

  #purgeIfDue(): void {
    if (this.#estimatedTotalOperations - this.delayed <= this.#purgeInterval) return
    this.#estimatedTotalOperations = this.delayed
    for (const [key, watchers] of this.#watchersByKey) {
      for (const operation of watchers) if (operation.isCompleted) watchers.delete(operation)
      this.#removeKeyIfEmpty(key, watchers)
    }
  }

  #removeKeyIfEmpty(key: string, watchers: Set<T>): void {
    if (watchers.size === 0 && this.#watchersByKey.get(key) === watchers) this.#watchersByKey.delete(key)
  }
}
