import type { RandomStream } from '../../runtime/runtime.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import { murmur2, toPositive } from './murmur2.ts'

const INT_MAX = 2_147_483_647

/** The partition that records without a key go to for now; a new object for every switch. */
export interface StickyPartitionInfo {
  readonly partition: number
  producedBytes: number
}

interface PartitionLoadStats {
  /** Ascending; what is added at an index is the weight of the partition there. */
  readonly cumulativeFrequencyTable: readonly number[]
  readonly partitionIds: readonly number[]
}

/** The partition for a key: the same from all of Kafka's clients. */
export function partitionForKey(serializedKey: Buffer, numPartitions: number): number {
  return toPositive(murmur2(serializedKey)) % numPartitions
}

/**
 * Where records of one topic without a key go (Kafka's BuiltInPartitioner, KIP-794): all to one partition until about a batch
 * is full, then to another at random, more often to those whose queues are short.
 */
export class BuiltInPartitioner {
  readonly #topic: string
  readonly #stickyBatchSize: number
  readonly #random: RandomStream
  #loadStats: PartitionLoadStats | undefined
  #sticky: StickyPartitionInfo | undefined

  /** @param stickyBatchSize bytes after which it switches, ≥ 1 */
  constructor(topic: string, stickyBatchSize: number, random: RandomStream) {
    if (stickyBatchSize < 1) throw new RangeError(`stickyBatchSize must be at least 1, not ${stickyBatchSize}`)
    this.#topic = topic
    this.#stickyBatchSize = stickyBatchSize
    this.#random = random
  }

  /** The partition to append to; chosen now when there is none yet. */
  peekCurrentPartitionInfo(cluster: MetadataSnapshot): StickyPartitionInfo {
    this.#sticky ??= this.#newSticky(cluster)
    return this.#sticky
  }

  /** Whether another partition was switched to since `info` was looked at; undefined never changes. */
  isPartitionChanged(info: StickyPartitionInfo | undefined): boolean {
    return info !== undefined && this.#sticky !== info
  }

  /**
   * Counts bytes that were appended, and switches when it is time.
   *
   * @param info what `peekCurrentPartitionInfo` gave; undefined for records that have their partition: nothing happens
   * @param enableSwitch whether a switch now leaves no batch half full; at twice the batch size it switches all the same
   */
  updatePartitionInfo(
    info: StickyPartitionInfo | undefined,
    appendedBytes: number,
    cluster: MetadataSnapshot,
    enableSwitch: boolean,
  ): void {
    if (info === undefined) return
    info.producedBytes += appendedBytes
    const enough = info.producedBytes >= this.#stickyBatchSize && enableSwitch
    if (enough || info.producedBytes >= 2 * this.#stickyBatchSize) this.#sticky = this.#newSticky(cluster)
  }

  /**
   * Takes how long the queues are, so that short ones get more.
   *
   * @param queueSizes of all partitions, or undefined: all get as much
   * @param length how many of them, from the first, may be chosen
   */
  updatePartitionLoadStats(
    queueSizes: readonly number[] | undefined,
    partitionIds: readonly number[],
    length: number,
  ): void {
    this.#loadStats = undefined
    if (queueSizes === undefined || length < 1 || queueSizes.length < 2) return
    const sizes = queueSizes.slice(0, length)
    const allEqual = sizes.every(size => size === sizes[0])
    if (allEqual && length === queueSizes.length) return
    const maxPlusOne = Math.max(...sizes) + 1
    let sum = 0
    const cumulativeFrequencyTable = sizes.map(size => {
      sum += maxPlusOne - size
      return sum
    })
    this.#loadStats = { cumulativeFrequencyTable, partitionIds: partitionIds.slice(0, length) }
  }

  #newSticky(cluster: MetadataSnapshot): StickyPartitionInfo {
    return { partition: this.#nextPartition(cluster), producedBytes: 0 }
  }

  #nextPartition(cluster: MetadataSnapshot): number {
    const random = this.#random.int(0, INT_MAX)
    if (this.#loadStats === undefined) {
      const available = cluster.availablePartitionsForTopic(this.#topic)
      return available[random % available.length] ?? random % (cluster.partitionCountForTopic(this.#topic) ?? 1)
    }
    const { cumulativeFrequencyTable, partitionIds } = this.#loadStats
    const weighted = random % (cumulativeFrequencyTable.at(-1) ?? 1)
    const index = cumulativeFrequencyTable.findIndex(frequency => frequency > weighted)
    return partitionIds[index] ?? 0
  }
}
