import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { Node } from '../node.ts'
import type { ReadyCheckResult } from './accumulator-types.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { RecordAccumulator } from './record-accumulator.ts'
import type { TopicInfo } from './topic-info.ts'

/**
 * The nodes that have something to send now (RecordAccumulator.ready): a batch that is full or has waited for `linger.ms`, or
 * any when memory runs out, a flush waits or the producer closes. Gives each topic's partitioner the lengths of the queues.
 */
export function readyNodes(accumulator: RecordAccumulator, cluster: MetadataSnapshot, nowMs: number): ReadyCheckResult {
  const check = new ReadyCheck(accumulator, cluster, nowMs)
  for (const info of accumulator.topics.values()) check.topic(info)
  return check
}

class ReadyCheck implements ReadyCheckResult {
  nextReadyCheckDelayMs = Number.POSITIVE_INFINITY
  readonly unknownLeaderTopics = new Set<string>()
  readonly #readyNodes = new Map<number, Node>()
  readonly #accumulator: RecordAccumulator
  readonly #cluster: MetadataSnapshot
  readonly #nowMs: number
  /** Whether somebody waits for memory. */
  readonly #exhausted: boolean

  constructor(accumulator: RecordAccumulator, cluster: MetadataSnapshot, nowMs: number) {
    this.#accumulator = accumulator
    this.#cluster = cluster
    this.#nowMs = nowMs
    this.#exhausted = accumulator.options.bufferPool.queued > 0
  }

  get readyNodes(): readonly Node[] {
    return [...this.#readyNodes.values()]
  }

  topic({ topic, batches, builtInPartitioner }: TopicInfo): void {
    const { adaptivePartitioning } = this.#accumulator.options
    // With queues that are not known yet, a new partition would look as busy as the others.
    const isAdaptive = adaptivePartitioning && batches.size >= (this.#cluster.partitionCountForTopic(topic) ?? 0)
    const queueSizes: number[] = Array.from({ length: batches.size }, () => 0)
    const partitionIds: number[] = Array.from({ length: batches.size }, () => 0)
    let last = -1
    for (const [partition, queue] of batches) {
      const leader = this.#cluster.leaderFor({ topic, partition })
      if (leader !== undefined) {
        last++
        partitionIds[last] = partition
        queueSizes[last] = queue.length
      }
      const first = queue[0]
      if (first === undefined) continue
      first.maybeUpdateLeaderEpoch(this.#cluster.leaderEpochFor({ topic, partition }))
      if (leader === undefined) {
        this.unknownLeaderTopics.add(topic)
        continue
      }
      if (this.#accumulator.isNodeUnavailable(leader.id)) last--
      this.#batch(first, queue.length > 1 || first.isFull, leader)
    }
    builtInPartitioner.updatePartitionLoadStats(isAdaptive ? queueSizes : undefined, partitionIds, last + 1)
  }

  #batch(batch: ProducerBatch, full: boolean, leader: Node): void {
    if (this.#readyNodes.has(leader.id) || this.#accumulator.isMuted(batch.topicPartition)) return
    const { retryBackoff, options, closed, flushInProgress } = this.#accumulator
    const waitedMs = batch.waitedTimeMs(this.#nowMs)
    const backingOff = this.#accumulator.shouldBackoff(batch, waitedMs)
    const timeToWaitMs = backingOff ? retryBackoff.backoff(Math.max(0, batch.attempts - 1)) : options.lingerMs
    const sendable = full || waitedMs >= timeToWaitMs || this.#exhausted || closed || flushInProgress
    if (sendable && !backingOff) {
      this.#readyNodes.set(leader.id, leader)
      return
    }
    this.nextReadyCheckDelayMs = Math.min(this.nextReadyCheckDelayMs, Math.max(timeToWaitMs - waitedMs, 0))
  }
}
