import { estimateSizeInBytesUpperBound } from '../../protocol/records/memory-records-builder.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import type { RandomStream, Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import { IllegalStateException, KafkaError } from '../errors.ts'
import { ExponentialBackoff } from '../exponential-backoff.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { Node } from '../node.ts'
import type {
  AppendRequest,
  MemoryNeeded,
  ReadyCheckResult,
  RecordAccumulatorOptions,
  RecordAppendResult,
} from './accumulator-types.ts'
import { drainBatchesForOneNode } from './batch-drain.ts'
import { BuiltInPartitioner, type StickyPartitionInfo } from './built-in-partitioner.ts'
import { CompressionRatioEstimator } from './compression-ratio-estimator.ts'
import { ProducerBatch } from './producer-batch.ts'
import { readyNodes } from './ready-check.ts'
import type { TopicInfo } from './topic-info.ts'
import type { TransactionManager } from './transaction-manager.ts'

const RETRY_BACKOFF_EXP_BASE = 2
const RETRY_BACKOFF_JITTER = 0.2

interface NodeLatencyStats {
  /** When the node last had batches to send. */
  readyMs: number
  /** When the node could last be sent to. */
  drainMs: number
}

/**
 * The records that wait to be sent, in batches by partition (Kafka's RecordAccumulator). All of it is bounded by
 * `buffer.memory`. Times are of the monotonic clock.
 */
export class RecordAccumulator {
  readonly options: RecordAccumulatorOptions
  readonly retryBackoff: ExponentialBackoff
  readonly topics = new Map<string, TopicInfo>()
  readonly #runtime: Runtime
  readonly #random: RandomStream
  readonly #ratios = new CompressionRatioEstimator()
  readonly #muted = new Set<string>()
  /** Batches that are not done, oldest first. */
  readonly #incomplete = new Set<ProducerBatch>()
  readonly #drainIndexes = new Map<number, number>()
  readonly #nodeStats = new Map<number, NodeLatencyStats>()
  #flushesInProgress = 0
  #nextBatchExpiryMs = Number.POSITIVE_INFINITY
  #closed = false

  constructor(runtime: Runtime, options: RecordAccumulatorOptions) {
    this.#runtime = runtime
    this.options = options
    this.#random = runtime.random.stream(`RecordAccumulator ${options.clientId} partitioner`)
    this.retryBackoff = new ExponentialBackoff({
      initialIntervalMs: options.retryBackoffMs,
      multiplier: RETRY_BACKOFF_EXP_BASE,
      maxIntervalMs: options.retryBackoffMaxMs,
      jitter: RETRY_BACKOFF_JITTER,
      random: runtime.random.stream(`RecordAccumulator ${options.clientId} backoff`),
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  get flushInProgress(): boolean {
    return this.#flushesInProgress > 0
  }

  /** When the next batch expires, as far as it is known. */
  get nextExpiryMs(): number {
    return this.#nextBatchExpiryMs
  }

  get hasIncomplete(): boolean {
    return this.#incomplete.size > 0
  }

  /** Whether anything waits to be sent. */
  get hasUndrained(): boolean {
    for (const { batches } of this.topics.values()) {
      for (const queue of batches.values()) if (queue.length > 0) return true
    }
    return false
  }

  /**
   * Adds a record to the last batch of its partition, or to a new one.
   *
   * @param reservedBytes memory that was allocated for a new batch, as an earlier call asked; 0: none
   * @returns what was done, or the memory that is needed for a new batch. Reserved memory that was not used
   * (`newBatchCreated` is false) stays the caller's.
   * @throws KafkaError when the producer is closed
   */
  append(request: AppendRequest, reservedBytes: number): RecordAppendResult | MemoryNeeded {
    const info = this.#topicInfo(request.topic)
    for (;;) {
      const sticky =
        request.partition === undefined ? info.builtInPartitioner.peekCurrentPartitionInfo(request.cluster) : undefined
      const partition = request.partition ?? sticky?.partition ?? 0
      request.setPartition(partition)
      const queue = queueOf(info, partition)
      if (this.#partitionChanged(info, sticky, queue, request.cluster)) continue
      return this.#appendTo(info, partition, sticky, queue, request, reservedBytes)
    }
  }

  /** Which nodes can be sent to, and when to look again. */
  ready(cluster: MetadataSnapshot, nowMs: number): ReadyCheckResult {
    return readyNodes(this, cluster, nowMs)
  }

  /** Takes from the queues what one request to each node may carry. */
  drain(
    cluster: MetadataSnapshot,
    nodes: readonly Node[],
    maxSize: number,
    nowMs: number,
  ): Map<number, ProducerBatch[]> {
    return new Map(nodes.map(({ id }) => [id, drainBatchesForOneNode(this, cluster, id, maxSize, nowMs)]))
  }

  queue(partition: TopicPartition): ProducerBatch[] | undefined {
    return this.topics.get(partition.topic)?.batches.get(partition.partition)
  }

  drainIndex(nodeId: number): number {
    return this.#drainIndexes.get(nodeId) ?? 0
  }

  updateDrainIndex(nodeId: number, index: number): void {
    this.#drainIndexes.set(nodeId, index)
  }

  /** Whether a batch that has failed before still waits for its next attempt. */
  shouldBackoff(batch: ProducerBatch, waitedMs: number): boolean {
    const waits = batch.attempts > 0 && waitedMs < this.retryBackoff.backoff(batch.attempts - 1)
    return waits && !batch.hasLeaderChangedForTheOngoingRetry
  }

  isMuted(partition: TopicPartition): boolean {
    return this.#muted.has(partitionKey(partition))
  }

  /** Lets nothing of the partition go out until it is unmuted: with one request in flight, that keeps the order. */
  mutePartition(partition: TopicPartition): void {
    this.#muted.add(partitionKey(partition))
  }

  unmutePartition(partition: TopicPartition): void {
    this.#muted.delete(partitionKey(partition))
  }

  resetNextBatchExpiry(): void {
    this.#nextBatchExpiryMs = Number.POSITIVE_INFINITY
  }

  maybeUpdateNextBatchExpiry(batch: ProducerBatch): void {
    this.#nextBatchExpiryMs = Math.min(this.#nextBatchExpiryMs, batch.createdMs + this.options.deliveryTimeoutMs)
  }

  /** Takes from the queues what waits longer than `delivery.timeout.ms`. */
  expiredBatches(nowMs: number): ProducerBatch[] {
    const expired: ProducerBatch[] = []
    for (const { batches } of this.topics.values()) {
      for (const queue of batches.values()) {
        let first = queue[0]
        for (; first?.hasReachedDeliveryTimeout(this.options.deliveryTimeoutMs, nowMs); first = queue[0]) {
          queue.shift()
          first.abortRecordAppends()
          expired.push(first)
        }
        if (first !== undefined) this.maybeUpdateNextBatchExpiry(first)
      }
    }
    return expired
  }

  /** Puts a batch back that is to be sent again. */
  reenqueue(batch: ProducerBatch, nowMs: number): void {
    batch.reenqueued(nowMs)
    this.#putBack(batch)
  }

  /** Puts a batch back in several smaller ones; returns how many. */
  splitAndReenqueue(bigBatch: ProducerBatch): number {
    const { topic } = bigBatch.topicPartition
    if (bigBatch.isCompressed) this.#ratios.setEstimation(topic, Math.max(1, bigBatch.compressionRatio))
    // What was split already is halved, or it might never become small enough (KAFKA-15859).
    const targetSize = bigBatch.isSplitBatch
      ? Math.max(bigBatch.maxRecordSize, Math.floor(bigBatch.estimatedSizeInBytes / 2))
      : this.options.batchSize
    const parts = bigBatch.split(targetSize)
    for (const part of parts.toReversed()) {
      this.#incomplete.add(part)
      this.options.transactionManager?.addInFlightBatch(part)
      this.#putBack(part)
    }
    return parts.length
  }

  /** Takes how well a batch was compressed, when it is closed. */
  observeCompression(batch: ProducerBatch): void {
    if (batch.isCompressed) this.#ratios.updateEstimation(batch.topicPartition.topic, batch.compressionRatio)
  }

  updateNodeLatencyStats(nodeId: number, nowMs: number, canDrain: boolean): void {
    if (this.options.partitionAvailabilityTimeoutMs <= 0) return
    const stats = this.#nodeStats.get(nodeId) ?? { readyMs: nowMs, drainMs: nowMs }
    if (canDrain) stats.drainMs = nowMs
    stats.readyMs = nowMs
    this.#nodeStats.set(nodeId, stats)
  }

  /** Whether a node has had batches for longer than `partitioner.availability.timeout.ms` and could not be sent to. */
  isNodeUnavailable(nodeId: number): boolean {
    const stats = this.#nodeStats.get(nodeId)
    const timeoutMs = this.options.partitionAvailabilityTimeoutMs
    return timeoutMs > 0 && stats !== undefined && stats.readyMs - stats.drainMs > timeoutMs
  }

  completeAndDeallocateBatch(batch: ProducerBatch): void {
    this.completeBatch(batch)
    this.deallocate(batch)
  }

  /** The batch is done; its memory is given back later, when its request is. */
  completeBatch(batch: ProducerBatch): void {
    this.#incomplete.delete(batch)
  }

  /** Gives the memory of a batch back, once. */
  deallocate(batch: ProducerBatch): void {
    if (batch.isSplitBatch || batch.isBufferDeallocated) return
    batch.markBufferDeallocated()
    this.options.bufferPool.deallocate(batch.reservedBytes)
  }

  beginFlush(): void {
    this.#flushesInProgress++
  }

  /** Waits for everything that is not done now; ends what `beginFlush` began. */
  async awaitFlushCompletion(): Promise<void> {
    try {
      for (const { result } of [...this.#incomplete]) await result.awaitAllDependents()
    } finally {
      this.#flushesInProgress--
    }
  }

  /** All that is not done fails. */
  abortBatches(reason: Error): void {
    for (const batch of [...this.#incomplete]) {
      batch.abortRecordAppends()
      remove(this.queue(batch.topicPartition), batch)
      batch.abort(reason)
      if (batch.inFlight) this.completeBatch(batch)
      else this.completeAndDeallocateBatch(batch)
    }
  }

  /** All that is not done fails, because the producer is closed. */
  abortIncompleteBatches(): void {
    this.abortBatches(new KafkaError('Producer is closed forcefully.'))
    this.topics.clear()
  }

  /** Takes nothing more; what is there can be sent at once. */
  close(): void {
    this.#closed = true
    this.options.bufferPool.close()
  }

  #appendTo(
    info: TopicInfo,
    partition: number,
    sticky: StickyPartitionInfo | undefined,
    queue: ProducerBatch[],
    request: AppendRequest,
    reservedBytes: number,
  ): RecordAppendResult | MemoryNeeded {
    const { record, onCompletion, cluster } = request
    const nowMs = clientTimeMs(this.#runtime)
    const last = this.#tryAppend(queue, request, nowMs)
    let result: RecordAppendResult
    let appendedBytes: number
    if (last !== undefined) {
      ;({ result, appendedBytes } = last)
    } else {
      const neededBytes = Math.max(this.options.batchSize, estimateSizeInBytesUpperBound(record))
      if (reservedBytes < neededBytes) return { neededBytes }
      const batch = this.#newBatch({ topic: info.topic, partition }, reservedBytes, nowMs)
      const future = batch.tryAppend(record, onCompletion, nowMs)
      if (future === undefined) throw new IllegalStateException('a new batch has no room for its first record')
      queue.push(batch)
      this.#incomplete.add(batch)
      result = { future, batchIsFull: queue.length > 1 || batch.isFull, newBatchCreated: true }
      appendedBytes = batch.estimatedSizeInBytes
    }
    // While the last batch has room, switching would leave it half full.
    info.builtInPartitioner.updatePartitionInfo(sticky, appendedBytes, cluster, allBatchesFull(queue))
    return result
  }

  #tryAppend(
    queue: readonly ProducerBatch[],
    { record, onCompletion }: AppendRequest,
    nowMs: number,
  ): { readonly result: RecordAppendResult; readonly appendedBytes: number } | undefined {
    if (this.#closed) throw new KafkaError('Producer closed while send in progress')
    const last = queue.at(-1)
    if (last === undefined) return undefined
    const initialBytes = last.estimatedSizeInBytes
    const future = last.tryAppend(record, onCompletion, nowMs)
    if (future === undefined) {
      last.closeForRecordAppends()
      return undefined
    }
    const result = { future, batchIsFull: queue.length > 1 || last.isFull, newBatchCreated: false }
    return { result, appendedBytes: last.estimatedSizeInBytes - initialBytes }
  }

  #newBatch(topicPartition: TopicPartition, reservedBytes: number, createdMs: number): ProducerBatch {
    const { compression, onCallbackError } = this.options
    return new ProducerBatch(this.#runtime, {
      topicPartition,
      capacity: reservedBytes,
      reservedBytes,
      compression,
      estimatedCompressionRatio: this.#ratios.estimation(topicPartition.topic),
      createdMs,
      isSplitBatch: false,
      onCallbackError,
    })
  }

  #partitionChanged(
    info: TopicInfo,
    sticky: StickyPartitionInfo | undefined,
    queue: readonly ProducerBatch[],
    cluster: MetadataSnapshot,
  ): boolean {
    if (sticky === undefined || !allBatchesFull(queue)) return false
    // A switch that was put off because a batch had room is made up for now.
    info.builtInPartitioner.updatePartitionInfo(sticky, 0, cluster, true)
    return info.builtInPartitioner.isPartitionChanged(sticky)
  }

  #putBack(batch: ProducerBatch): void {
    const queue = queueOf(this.#topicInfo(batch.topicPartition.topic), batch.topicPartition.partition)
    if (this.options.transactionManager === undefined) queue.unshift(batch)
    else this.#insertInSequenceOrder(queue, batch, this.options.transactionManager)
  }

  #insertInSequenceOrder(queue: ProducerBatch[], batch: ProducerBatch, transactionManager: TransactionManager): void {
    if (!batch.hasSequence) throw new IllegalStateException('a batch without a sequence number is to be sent again')
    if (!transactionManager.hasInFlightBatches(batch.topicPartition)) {
      throw new IllegalStateException('a batch that is not tracked as in flight is to be sent again')
    }
    let index = 0
    for (; index < queue.length; index++) {
      const other = queue[index]
      if (other === undefined || !other.hasSequence || other.baseSequence >= batch.baseSequence) break
    }
    queue.splice(index, 0, batch)
  }

  #topicInfo(topic: string): TopicInfo {
    const found = this.topics.get(topic)
    if (found !== undefined) return found
    const builtInPartitioner = new BuiltInPartitioner(topic, this.options.batchSize, this.#random)
    const info: TopicInfo = { topic, batches: new Map(), builtInPartitioner }
    this.topics.set(topic, info)
    return info
  }
}

function queueOf({ batches }: TopicInfo, partition: number): ProducerBatch[] {
  const found = batches.get(partition)
  if (found !== undefined) return found
  const queue: ProducerBatch[] = []
  batches.set(partition, queue)
  return queue
}

function allBatchesFull(queue: readonly ProducerBatch[]): boolean {
  return queue.at(-1)?.isFull ?? true
}

function remove(queue: ProducerBatch[] | undefined, batch: ProducerBatch): void {
  const index = queue?.indexOf(batch) ?? -1
  if (index >= 0) queue?.splice(index, 1)
}
