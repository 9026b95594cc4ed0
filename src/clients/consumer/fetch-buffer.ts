import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { TopicPartitionSet } from '../topic-partition-map.ts'
import type { CompletedFetch } from './completed-fetch.ts'

/**
 * Fetched records that no poll has taken yet (Kafka's FetchBuffer). Bounded: partitions that are in here are not fetched
 * again, and nothing is fetched from their nodes.
 */
export class FetchBuffer {
  readonly #completed: CompletedFetch[] = []
  /** The one that polls take from now. */
  nextInLine: CompletedFetch | undefined

  add(...fetches: readonly CompletedFetch[]): void {
    this.#completed.push(...fetches)
  }

  peek(): CompletedFetch | undefined {
    return this.#completed[0]
  }

  poll(): CompletedFetch | undefined {
    return this.#completed.shift()
  }

  /** Whether there is one for which that holds. */
  hasCompletedFetches(matches: (fetch: CompletedFetch) => boolean): boolean {
    return this.#completed.some(matches)
  }

  bufferedPartitions(): TopicPartitionSet {
    const partitions = new TopicPartitionSet(this.#completed.map(({ partition }) => partition))
    if (this.nextInLine !== undefined && !this.nextInLine.isConsumed) partitions.add(this.nextInLine.partition)
    return partitions
  }

  /** Drops what is of other partitions. */
  retainAll(partitions: Iterable<TopicPartition>): void {
    const retained = new TopicPartitionSet(partitions)
    for (const fetch of this.#completed.splice(0)) {
      if (retained.has(fetch.partition)) this.#completed.push(fetch)
      else fetch.drain()
    }
    if (this.nextInLine !== undefined && !retained.has(this.nextInLine.partition)) {
      this.nextInLine.drain()
      this.nextInLine = undefined
    }
  }
}
