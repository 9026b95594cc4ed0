import type { DiskOperation } from '../world/disk.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { DiskTrigger } from './scenario.ts'

interface Waiting {
  readonly trigger: DiskTrigger
  readonly counts: (node: ClusterNode) => boolean
  seen: number
  readonly callback: () => void
}

/** Watches the operations of nodes' disks and calls back in the middle of those that somebody waits for. */
export class DiskTriggers {
  #waiting: Waiting[] = []

  /** A disk tells one such object only. */
  watch(nodes: readonly ClusterNode[]): void {
    for (const node of nodes) {
      node.host.disk.onOperation = (operation, path) => this.#begun(node, operation, path)
    }
  }

  /**
   * Calls back once, when the operation begins; counts from now on.
   *
   * @param counts whether an operation of this node counts
   */
  add(trigger: DiskTrigger, counts: (node: ClusterNode) => boolean, callback: () => void): void {
    this.#waiting.push({ trigger, counts, seen: 0, callback })
  }

  #begun(node: ClusterNode, operation: DiskOperation, path: string): void {
    for (const waiting of this.#waiting) {
      const { disk, file, nth } = waiting.trigger
      if (disk !== operation || (file !== undefined && !path.includes(file)) || !waiting.counts(node)) continue
      if (++waiting.seen < nth) continue
      this.#waiting = this.#waiting.filter(other => other !== waiting)
      waiting.callback()
    }
  }
}
