import type { DiskOperation, SimulatedDisk } from '../world/disk.ts'
import type { DiskTrigger } from './scenario.ts'

interface Waiting {
  readonly trigger: DiskTrigger
  seen: number
  readonly callback: () => void
}

/** Watches the operations of a disk and calls back in the middle of those that somebody waits for. */
export class DiskTriggers {
  #waiting: Waiting[] = []

  /** A disk tells one such object only. */
  watch(disk: SimulatedDisk): void {
    disk.onOperation = (operation, path) => this.#begun(operation, path)
  }

  /** Calls back once, when the operation begins; counts from now on. */
  add(trigger: DiskTrigger, callback: () => void): void {
    this.#waiting.push({ trigger, seen: 0, callback })
  }

  #begun(operation: DiskOperation, path: string): void {
    for (const waiting of this.#waiting) {
      const { disk, file, nth } = waiting.trigger
      if (disk !== operation || (file !== undefined && !path.includes(file)) || ++waiting.seen < nth) continue
      this.#waiting = this.#waiting.filter(other => other !== waiting)
      waiting.callback()
    }
  }
}
