import type { LocalPartition } from '../controller/image/local-replica-changes.ts'
import type { TopicsDelta } from '../controller/image/topics-delta.ts'
import { TopicsImage } from '../controller/image/topics-image.ts'
import type { AppendOrigin } from '../log/append-origin.ts'
import { isInternalTopic } from '../log/internal-topics.ts'
import type { KafkaScheduler } from '../log/kafka-scheduler.ts'
import type { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { CorruptCheckpointError, KafkaStorageError } from '../log/log-errors.ts'
import type { LogManager } from '../log/log-manager.ts'
import { partitionKey, type TopicPartition } from '../log/topic-partition.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { DelayedOperationPurgatory } from '../runtime/delayed-operation-purgatory.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { DelayedFetch } from './delayed-fetch.ts'
import { DelayedProduce, type ProduceCallback, type ProducePartitionStatus } from './delayed-produce.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { FetchCallback, FetchParams, FetchPartitionRequest, TopicIdPartition } from './fetch-params.ts'
import { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts'
import { appendToPartition, failedProduce } from './local-append.ts'
import { readFromPartitions } from './local-read.ts'
import { offlinePartitionError, Partition } from './partition.ts'

export interface ReplicaManagerOptions {
  /** `node.id` */
  readonly brokerId: number
  readonly logManager: LogManager
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  /** `replica.high.watermark.checkpoint.interval.ms`, 5 s. */
  readonly highWatermarkCheckpointIntervalMs?: number
  /** `fetch.purgatory.purge.interval.requests`, 1000. */
  readonly fetchPurgatoryPurgeInterval?: number
  /** `producer.purgatory.purge.interval.requests`, 1000. */
  readonly producerPurgatoryPurgeInterval?: number
}

export interface AppendRecordsRequest {
  /** How long acks=-1 may wait for replicas. */
  readonly timeoutMs: number
  /** 0, 1 or -1. */
  readonly requiredAcks: number
  readonly origin: AppendOrigin
  /** At most one entry a partition. The records' bytes may be changed. */
  readonly entries: readonly { readonly topicIdPartition: TopicIdPartition; readonly records: Buffer }[]
}

export interface OffsetResult {
  readonly topicPartition: TopicPartition
  readonly errorCode: number
  /** -1: none. */
  readonly timestamp: number
  readonly offset: number
  readonly leaderEpoch: number
}

export interface DeleteRecordsResult {
  readonly topicPartition: TopicPartition
  readonly errorCode: number
  /** The first offset that is left on all replicas; -1 with an error. */
  readonly lowWatermark: number
}

export interface EpochEndOffsetResult {
  readonly topicPartition: TopicPartition
  readonly errorCode: number
  readonly leaderEpoch: number
  readonly endOffset: number
}

/**
 * The replicas that a broker hosts, and everything that requests do with them (Kafka's ReplicaManager).
 *
 * Produces and fetches that have to wait do so in purgatories; the calling thread goes on at once, and the answer comes by
 * callback, exactly once. Both are bounded by the connections that brought them, which have one request in flight each.
 */
export class ReplicaManager {
  readonly fetchPurgatory: DelayedOperationPurgatory<DelayedFetch>
  readonly producePurgatory: DelayedOperationPurgatory<DelayedProduce>
  readonly #runtime: Runtime
  readonly #options: ReplicaManagerOptions
  readonly #logManager: LogManager
  readonly #failureChannel: LogDirFailureChannel
  readonly #highWatermarks: HighWatermarkCheckpoints
  /** By partition key. */
  readonly #partitions = new Map<string, Partition>()
  /** Hosted partitions whose log directory has failed. */
  readonly #offline = new Set<string>()
  #topics: TopicsImage = TopicsImage.EMPTY
  #isFirstUpdate = true

  constructor(runtime: Runtime, options: ReplicaManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#logManager = options.logManager
    this.#failureChannel = options.failureChannel
    this.#highWatermarks = new HighWatermarkCheckpoints(runtime)
    this.fetchPurgatory = new DelayedOperationPurgatory(runtime, 'Fetch', {
      purgeInterval: options.fetchPurgatoryPurgeInterval ?? 1000,
    })
    this.producePurgatory = new DelayedOperationPurgatory(runtime, 'Produce', {
      purgeInterval: options.producerPurgatoryPurgeInterval ?? 1000,
    })
    this.#failureChannel.onFailure(directory => this.#handleLogDirFailure(directory))
  }

  /** Starts the background work. The log manager was started before. */
  startup(): void {
    const intervalMs = this.#options.highWatermarkCheckpointIntervalMs ?? 5000
    const checkpoint = () => this.checkpointHighWatermarks()
    this.#options.scheduler.schedule('highwatermark-checkpoint', checkpoint, intervalMs, intervalMs)
  }

  /** Stops completing what waits, as Kafka does, and writes the high watermarks. Stop the scheduler first. */
  async shutdown(): Promise<void> {
    this.fetchPurgatory.shutdown()
    this.producePurgatory.shutdown()
    await this.checkpointHighWatermarks()
  }

  /** The replicas that are in service. */
  get partitions(): readonly Partition[] {
    return [...this.#partitions.values()]
  }

  /** The replica, undefined when this broker hosts none or its directory has failed. */
  getPartition(topicPartition: TopicPartition): Partition | undefined {
    return this.#partitions.get(partitionKey(topicPartition))
  }

  /** The replica; throws KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER or UNKNOWN_TOPIC_OR_PARTITION where there is none. */
  getPartitionOrThrow(topicPartition: TopicPartition): Partition {
    const key = partitionKey(topicPartition)
    const partition = this.#partitions.get(key)
    if (partition !== undefined) return partition
    if (this.#offline.has(key)) throw offlinePartitionError(key)
    const known = this.#topics.getTopic(topicPartition.topic)?.partitions.has(topicPartition.partition) ?? false
    if (known) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `this broker hosts no replica of ${key}`)
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${key}`)
  }

  /**
   * Does what changed metadata asks of this broker: makes, leads, follows and deletes replicas. The first call also sets
   * aside logs of partitions that the metadata no longer knows. Calls must not overlap.
   */
  async applyDelta(delta: TopicsDelta, newTopics: TopicsImage): Promise<void> {
    this.#topics = newTopics
    if (this.#isFirstUpdate) {
      this.#isFirstUpdate = false
      await this.#setStrayLogsAside()
    }
    const { deletes, leaders, followers } = delta.localChanges(this.#options.brokerId)
    await this.#stopPartitions(deletes)
    for (const local of leaders) await this.#takeRole(local, partition => partition.makeLeader(local.registration))
    for (const local of followers) await this.#takeRole(local, partition => partition.makeFollower(local.registration))
  }

  /**
   * Appends to the partitions this broker leads. Resolves when that is done, which may be before the callback: with acks=-1
   * the answer waits until the records are committed or the time is over. Errors come in the results.
   */
  async appendRecords(request: AppendRecordsRequest, callback: ProduceCallback): Promise<void> {
    const { requiredAcks, entries } = request
    if (requiredAcks !== 0 && requiredAcks !== 1 && requiredAcks !== -1) {
      const code = ErrorCode.INVALID_REQUIRED_ACKS
      callback(entries.map(({ topicIdPartition }) => failedProduce(topicIdPartition, code)))
      return
    }
    const status: ProducePartitionStatus[] = []
    for (const { topicIdPartition, records } of entries) {
      status.push(await this.#appendToLocalLog(topicIdPartition, records, request))
    }
    if (!status.some(({ acksPending }) => acksPending)) {
      callback(status.map(({ result }) => result))
      return
    }
    const checkReached = (id: TopicIdPartition, offset: number) => this.#checkReached(id, offset)
    const delayed = new DelayedProduce(request.timeoutMs, status, checkReached, callback)
    this.producePurgatory.tryCompleteElseWatch(
      delayed,
      entries.map(({ topicIdPartition }) => partitionKey(topicIdPartition)),
    )
  }

  /**
   * Reads from the partitions this broker leads, in order, until `maxBytes` are reached (KIP-74). Resolves when the answer
   * was given or waits for `minBytes`; it comes at the latest after `maxWaitMs`. Errors come in the results.
   */
  async fetchMessages(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
    callback: FetchCallback,
  ): Promise<void> {
    const results = await this.#readFromLog(params, requests)
    const bytes = results.reduce((sum, { data }) => sum + data.records.length, 0)
    const urgent = results.some(({ data }) => data.errorCode !== ErrorCode.NONE || data.divergingEpoch !== undefined)
    if (params.maxWaitMs <= 0 || requests.length === 0 || bytes >= params.minBytes || urgent) {
      callback(results.map(({ data }) => data))
      return
    }
    const status = requests.flatMap((request, index) => {
      const startOffsetMetadata = results[index]?.fetchOffsetMetadata
      return startOffsetMetadata === undefined ? [] : [{ request, startOffsetMetadata }]
    })
    const delayed = new DelayedFetch({
      params,
      status,
      getPartition: request => this.#fetchedPartition(request),
      complete: () => this.#completeFetch(params, requests, callback),
    })
    this.fetchPurgatory.tryCompleteElseWatch(
      delayed,
      requests.map(({ topicIdPartition }) => partitionKey(topicIdPartition)),
    )
  }

  /** Makes the given offsets (-1: the high watermark) the first visible ones. Errors come in the results. */
  async deleteRecords(
    offsets: readonly { readonly topicPartition: TopicPartition; readonly offset: number }[],
  ): Promise<DeleteRecordsResult[]> {
    const results: DeleteRecordsResult[] = []
    for (const { topicPartition, offset } of offsets) {
      try {
        refuseInternalTopic(topicPartition.topic)
        const lowWatermark = await this.getPartitionOrThrow(topicPartition).deleteRecordsOnLeader(offset)
        results.push({ topicPartition, errorCode: ErrorCode.NONE, lowWatermark })
      } catch (error) {
        results.push({ topicPartition, errorCode: expectedErrorCode(error), lowWatermark: -1 })
      }
    }
    return results
  }

  /**
   * The offset for a timestamp, special or not, as a reader with `isolation` sees it. Errors come in the result.
   * @param currentLeaderEpoch -1: not given
   */
  async fetchOffset(
    topicPartition: TopicPartition,
    timestamp: number,
    isolation: FetchIsolation,
    currentLeaderEpoch: number,
  ): Promise<OffsetResult> {
    try {
      const partition = this.getPartitionOrThrow(topicPartition)
      const found = await partition.fetchOffsetForTimestamp(timestamp, isolation, currentLeaderEpoch, true)
      return {
        topicPartition,
        errorCode: ErrorCode.NONE,
        timestamp: found?.timestamp ?? -1,
        offset: found?.offset ?? -1,
        leaderEpoch: found?.leaderEpoch ?? -1,
      }
    } catch (error) {
      return { topicPartition, errorCode: expectedErrorCode(error), timestamp: -1, offset: -1, leaderEpoch: -1 }
    }
  }

  /** Where a leader epoch ends in this leader's log (OffsetForLeaderEpoch). Errors come in the result. */
  lastOffsetForLeaderEpoch(
    topicPartition: TopicPartition,
    currentLeaderEpoch: number,
    leaderEpoch: number,
  ): EpochEndOffsetResult {
    try {
      const partition = this.getPartitionOrThrow(topicPartition)
      const { epoch, endOffset } = partition.lastOffsetForLeaderEpoch(currentLeaderEpoch, leaderEpoch, true)
      return { topicPartition, errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset }
    } catch (error) {
      return { topicPartition, errorCode: expectedErrorCode(error), leaderEpoch: -1, endOffset: -1 }
    }
  }

  /** Writes the high watermarks of all replicas, where they have changed. */
  async checkpointHighWatermarks(): Promise<void> {
    for (const directory of this.#logManager.liveLogDirs) {
      const logs = this.partitions.flatMap(({ log }) => (log?.parentDir === directory ? [log] : []))
      try {
        await this.#highWatermarks.write(directory, logs)
      } catch (error) {
        this.#reportDirectory(directory, error)
      }
    }
  }

  async #appendToLocalLog(
    id: TopicIdPartition,
    records: Buffer,
    { requiredAcks, origin }: AppendRecordsRequest,
  ): Promise<ProducePartitionStatus> {
    const append = async () => {
      if (origin === 'client') refuseInternalTopic(id.topic)
      const partition = this.#partitionById(id, ErrorCode.UNKNOWN_TOPIC_ID)
      return partition.appendRecordsToLeader(records, origin, requiredAcks)
    }
    const outcome = await appendToPartition(id, append, () => this.getPartition(id)?.log?.logStartOffset ?? -1)
    if (outcome.appended === undefined) return { requiredOffset: -1, result: outcome.result, acksPending: false }
    const { info, highWatermarkIncreased } = outcome.appended
    if (highWatermarkIncreased) this.#completeDelayed(partitionKey(id))
    else this.fetchPurgatory.checkAndComplete(partitionKey(id))
    return { requiredOffset: info.lastOffset + 1, result: outcome.result, acksPending: requiredAcks === -1 }
  }

  #checkReached(id: TopicIdPartition, requiredOffset: number): { reached: boolean; errorCode: number } {
    try {
      return this.#partitionById(id, ErrorCode.UNKNOWN_TOPIC_ID).checkEnoughReplicasReachOffset(requiredOffset)
    } catch (error) {
      return { reached: false, errorCode: expectedErrorCode(error) }
    }
  }

  /**
   * As `getPartitionOrThrow`; `mismatch` when the partition belongs to another topic of that name: INCONSISTENT_TOPIC_ID
   * for fetchers, UNKNOWN_TOPIC_ID for producers (KIP-516).
   */
  #partitionById(id: TopicIdPartition, mismatch: ErrorCode): Partition {
    const partition = this.getPartitionOrThrow(id)
    if (id.topicId === ZERO_UUID || id.topicId === partition.topicId) return partition
    throw new ApiError(
      mismatch,
      `${partition.name} belongs to topic id ${partition.topicId}, the request asks for ${id.topicId}`,
    )
  }

  #fetchedPartition(request: FetchPartitionRequest): Partition {
    return this.#partitionById(request.topicIdPartition, ErrorCode.INCONSISTENT_TOPIC_ID)
  }

  #readFromLog(params: FetchParams, requests: readonly FetchPartitionRequest[]) {
    return readFromPartitions(params, requests, request => this.#fetchedPartition(request))
  }

  #completeFetch(params: FetchParams, requests: readonly FetchPartitionRequest[], callback: FetchCallback): void {
    this.#runtime.threads.start('delayed-fetch', async () => {
      const results = await this.#readFromLog(params, requests)
      callback(results.map(({ data }) => data))
    })
  }

  /** Something that delayed operations of the partition wait for has happened. */
  #completeDelayed(key: string): void {
    this.producePurgatory.checkAndComplete(key)
    this.fetchPurgatory.checkAndComplete(key)
  }

  async #takeRole(local: LocalPartition, role: (partition: Partition) => Promise<boolean>): Promise<void> {
    const key = partitionKey(local)
    // A failed directory stays failed until the broker is started again.
    if (this.#offline.has(key)) return
    let partition = this.#partitions.get(key)
    if (partition !== undefined && partition.topicId !== local.topicId) {
      await this.#stopPartitions([local])
      partition = undefined
    }
    if (partition === undefined) {
      const { topic, partition: number } = local
      partition = new Partition(
        this.#runtime,
        this.#options.brokerId,
        { topic, partition: number },
        local.topicId,
        (topicPartition, topicId) => this.#openLog(topicPartition, topicId),
      )
      this.#partitions.set(key, partition)
    }
    try {
      await role(partition)
    } catch (error) {
      if (!(error instanceof KafkaStorageError)) throw error
      this.#partitions.delete(key)
      this.#offline.add(key)
    }
    this.#completeDelayed(key)
  }

  async #openLog(topicPartition: TopicPartition, topicId: string): Promise<UnifiedLog> {
    const log = await this.#logManager.getOrCreateLog(topicPartition, topicId)
    try {
      log.updateHighWatermark(await this.#highWatermarks.fetch(log))
    } catch (error) {
      this.#reportDirectory(log.parentDir, error)
      throw new KafkaStorageError(`cannot read the high watermark of ${log.name}`, { cause: error })
    }
    return log
  }

  async #stopPartitions(topicPartitions: readonly TopicPartition[]): Promise<void> {
    if (topicPartitions.length === 0) return
    for (const topicPartition of topicPartitions) {
      const key = partitionKey(topicPartition)
      const partition = this.#partitions.get(key)
      this.#partitions.delete(key)
      this.#offline.delete(key)
      if (partition !== undefined) await partition.delete()
      this.#completeDelayed(key)
    }
    await this.#logManager.asyncDelete(topicPartitions)
  }

  async #setStrayLogsAside(): Promise<void> {
    const strays = this.#logManager.allLogs.filter(({ topicPartition, topicId }) => {
      const topic = this.#topics.getTopic(topicPartition.topic)
      const replicas = topic?.partitions.get(topicPartition.partition)?.replicas
      return topic === undefined || topic.id !== topicId || !replicas?.includes(this.#options.brokerId)
    })
    await this.#logManager.asyncDelete(
      strays.map(log => log.topicPartition),
      true,
    )
  }

  #reportDirectory(directory: string, error: unknown): void {
    if (!(error instanceof DiskError || error instanceof CorruptCheckpointError)) throw error
    this.#failureChannel.maybeAddOfflineLogDir(directory, error)
  }

  #handleLogDirFailure(directory: string): void {
    for (const [key, partition] of this.#partitions) {
      if (partition.log?.parentDir !== directory) continue
      this.#partitions.delete(key)
      this.#offline.add(key)
      this.#completeDelayed(key)
    }
  }
}

function refuseInternalTopic(topic: string): void {
  if (!isInternalTopic(topic)) return
  throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${topic} is an internal topic`)
}
