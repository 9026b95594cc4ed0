import type { DiskOperation, SimulatedDisk } from '../world/disk.ts'

/** Counts the operations of a disk and calls back in the middle of those that somebody waits for. */
export class DiskTriggers {
  readonly #counts = new Map<DiskOperation, number>()
  readonly #waiting = new Map<string, (() => void)[]>()

  /** Counts from now on. A disk tells one such object only. */
  watch(disk: SimulatedDisk): void {
    disk.onOperation = operation => this.#begun(operation)
  }

  /** Calls back when the nth operation of a kind begins. */
  add(operation: DiskOperation, nth: number, callback: () => void): void {
    const key = `${operation}#${nth}`
    const callbacks = this.#waiting.get(key) ?? []
    callbacks.push(callback)
    this.#waiting.set(key, callbacks)
  }

  #begun(operation: DiskOperation): void {
    const nth = (this.#counts.get(operation) ?? 0) + 1
    this.#counts.set(operation, nth)
    const key = `${operation}#${nth}`
    for (const callback of this.#waiting.get(key) ?? []) callback()
    this.#waiting.delete(key)
  }
}
