import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { TopicsDelta } from '../controller/image/topics-delta.ts'
import type { AppendOrigin } from '../log/append-origin.ts'
import { isInternalTopic } from '../log/internal-topics.ts'
import type { KafkaScheduler } from '../log/kafka-scheduler.ts'
import type { LogDirFailureChannel } from '../log/log-dir-failure-channel.ts'
import { CorruptCheckpointError, KafkaStorageError } from '../log/log-errors.ts'
import type { LogManager } from '../log/log-manager.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { DelayedOperationPurgatory } from '../runtime/delayed-operation-purgatory.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { AlterPartitionManager } from './alter-partition-manager.ts'
import type { AssignmentsManager } from './assignments-manager.ts'
import {
  DelayedDeleteRecords,
  type DeleteRecordsCallback,
  type DeleteRecordsResult,
  type DeleteRecordsStatus,
} from './delayed-delete-records.ts'
import type { DelayedFetch } from './delayed-fetch.ts'
import { DelayedProduce, type ProduceCallback, type ProducePartitionStatus } from './delayed-produce.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { FetchCallback, FetchParams, FetchPartitionRequest, TopicIdPartition } from './fetch-params.ts'
import { HighWatermarkCheckpoints } from './high-watermark-checkpoints.ts'
import { HostedPartitions } from './hosted-partitions.ts'
import { appendToPartition, failedProduce } from './local-append.ts'
import { MessageFetch } from './message-fetch.ts'
import type { Partition } from './partition.ts'
import { ReplicaChanges } from './replica-changes.ts'
import { type CreateLeaderEndPoint, ReplicaFetcherManager } from './replica-fetcher-manager.ts'
import { replicaSelectorOf } from './replica-selector.ts'
import { DEFAULT_REPLICATION_CONFIG, type ReplicationConfig } from './replication-config.ts'
import type { ReplicationObserver } from './replication-observer.ts'

export interface ReplicaManagerOptions {
  /** `node.id` */
  readonly brokerId: number
  readonly logManager: LogManager
  readonly scheduler: KafkaScheduler
  readonly failureChannel: LogDirFailureChannel
  /** The newest published metadata. */
  readonly metadataCache: { readonly image: MetadataImage }
  readonly alterPartitionManager: Pick<AlterPartitionManager, 'submit'>
  /** Hears of replicas that are in another log directory than the metadata says; default: nobody does. */
  readonly assignmentsManager?: Pick<AssignmentsManager, 'onAssignment'>
  /** The epoch under which this broker is registered; -1 before it is. */
  readonly brokerEpoch: () => number
  readonly observer?: ReplicationObserver | undefined
  /** What is left out is Kafka's default. */
  readonly config?: Partial<ReplicationConfig>
  /** `replica.high.watermark.checkpoint.interval.ms`, 5 s. */
  readonly highWatermarkCheckpointIntervalMs?: number
  /** `fetch.purgatory.purge.interval.requests`, 1000. */
  readonly fetchPurgatoryPurgeInterval?: number
  /** `producer.purgatory.purge.interval.requests`, 1000. */
  readonly producerPurgatoryPurgeInterval?: number
  /** `delete.records.purgatory.purge.interval.requests`, 1. */
  readonly deleteRecordsPurgatoryPurgeInterval?: number
  /** What follower fetchers talk to; default: a connection to the leader. */
  readonly createLeaderEndPoint?: CreateLeaderEndPoint
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

export interface EpochEndOffsetResult {
  readonly topicPartition: TopicPartition
  readonly errorCode: number
  readonly leaderEpoch: number
  readonly endOffset: number
}

/**
 * The replicas that a broker hosts, and everything that requests do with them (Kafka's ReplicaManager).
 *
 * Produces, fetches and deletions that have to wait do so in purgatories; the calling thread goes on at once, and the answer
 * comes by callback, exactly once. All are bounded by the connections that brought them, which have one request in flight each.
 */
export class ReplicaManager {
  readonly fetchPurgatory: DelayedOperationPurgatory<DelayedFetch>
  readonly producePurgatory: DelayedOperationPurgatory<DelayedProduce>
  readonly deleteRecordsPurgatory: DelayedOperationPurgatory<DelayedDeleteRecords>
  readonly #runtime: Runtime
  readonly #options: ReplicaManagerOptions
  readonly #config: ReplicationConfig
  readonly #logManager: LogManager
  readonly #failureChannel: LogDirFailureChannel
  readonly #highWatermarks: HighWatermarkCheckpoints
  readonly #partitions: HostedPartitions
  readonly #fetcherManager: ReplicaFetcherManager
  readonly #messageFetch: MessageFetch
  readonly #changes: ReplicaChanges

  /** Throws ConfigError when `replica.selector.class` names nothing that is known. */
  constructor(runtime: Runtime, options: ReplicaManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#config = { ...DEFAULT_REPLICATION_CONFIG, ...options.config }
    this.#logManager = options.logManager
    this.#failureChannel = options.failureChannel
    this.#highWatermarks = new HighWatermarkCheckpoints(runtime)
    this.fetchPurgatory = new DelayedOperationPurgatory(runtime, 'Fetch', {
      purgeInterval: options.fetchPurgatoryPurgeInterval ?? 1000,
    })
    this.producePurgatory = new DelayedOperationPurgatory(runtime, 'Produce', {
      purgeInterval: options.producerPurgatoryPurgeInterval ?? 1000,
    })
    this.deleteRecordsPurgatory = new DelayedOperationPurgatory(runtime, 'DeleteRecords', {
      purgeInterval: options.deleteRecordsPurgatoryPurgeInterval ?? 1,
    })
    const { brokerId, brokerEpoch, metadataCache, createLeaderEndPoint } = options
    this.#partitions = new HostedPartitions(metadataCache)
    this.#fetcherManager = new ReplicaFetcherManager(runtime, {
      brokerId,
      brokerEpoch,
      config: this.#config,
      replicas: {
        getPartitionOrThrow: topicPartition => this.#partitions.getOrThrow(topicPartition),
        completeDelayedFetches: keys => {
          for (const key of keys) this.fetchPurgatory.checkAndComplete(key)
        },
      },
      createLeaderEndPoint,
      observer: options.observer,
    })
    this.#messageFetch = new MessageFetch(runtime, {
      partitions: this.#partitions,
      purgatory: this.fetchPurgatory,
      metadataCache,
      replicaSelector: replicaSelectorOf(this.#config.replicaSelectorClass),
    })
    this.#changes = this.#createChanges()
    this.#failureChannel.onFailure(directory => this.#handleLogDirFailure(directory))
  }

  /** Starts the background work. The log manager was started before. */
  startup(): void {
    const { scheduler, highWatermarkCheckpointIntervalMs = 5000 } = this.#options
    const checkpoint = () => this.checkpointHighWatermarks()
    const intervalMs = highWatermarkCheckpointIntervalMs
    scheduler.schedule('highwatermark-checkpoint', checkpoint, intervalMs, intervalMs)
    const shrinkIntervalMs = this.#config.replicaLagTimeMaxMs / 2
    scheduler.schedule('isr-expiration', async () => this.maybeShrinkIsr(), 0, shrinkIntervalMs)
  }

  /** The broker asks to be relieved of its leaderships: replicas that fall out of the ISR by that are not copied any more. */
  beginControlledShutdown(): void {
    this.#changes.beginControlledShutdown()
  }

  /** Stops copying and completing what waits, as Kafka does, and writes the high watermarks. Stop the scheduler first. */
  async shutdown(): Promise<void> {
    await this.#fetcherManager.shutdown()
    this.fetchPurgatory.shutdown()
    this.producePurgatory.shutdown()
    this.deleteRecordsPurgatory.shutdown()
    await this.checkpointHighWatermarks()
  }

  /** The replicas that are in service. */
  get partitions(): readonly Partition[] {
    return [...this.#partitions.online.values()]
  }

  /** What copies replicas from their leaders, for inspection. */
  get fetcherManager(): ReplicaFetcherManager {
    return this.#fetcherManager
  }

  /** The replica, undefined when this broker hosts none or its directory has failed. */
  getPartition(topicPartition: TopicPartition): Partition | undefined {
    return this.#partitions.get(topicPartition)
  }

  /** The replica; throws KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER or UNKNOWN_TOPIC_OR_PARTITION where there is none. */
  getPartitionOrThrow(topicPartition: TopicPartition): Partition {
    return this.#partitions.getOrThrow(topicPartition)
  }

  /**
   * Does what changed metadata asks of this broker: makes, leads, follows and deletes replicas. The first call also sets
   * aside logs of partitions that the metadata no longer knows. Calls must not overlap.
   */
  applyDelta(delta: TopicsDelta, newImage: MetadataImage): Promise<void> {
    return this.#changes.apply(delta, newImage)
  }

  /** Proposes to leave followers out of ISRs that lag behind by more than `replica.lag.time.max.ms`. */
  maybeShrinkIsr(): void {
    for (const partition of this.#partitions.online.values()) partition.maybeShrinkIsr()
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
   * Reads from the partitions, in order, until `maxBytes` are reached (KIP-74). Resolves when the answer was given or waits for
   * `minBytes`; it comes at the latest after `maxWaitMs`. Errors come in the results. Fetches of followers tell how far these
   * are, and so move the high watermark and the ISR.
   */
  fetchMessages(
    params: FetchParams,
    requests: readonly FetchPartitionRequest[],
    callback: FetchCallback,
  ): Promise<void> {
    return this.#messageFetch.fetchMessages(params, requests, callback)
  }

  /**
   * Makes the given offsets (-1: the high watermark) the first visible ones, on all live replicas. Errors come in the results:
   * REQUEST_TIMED_OUT where a follower has not heard of it in time.
   */
  async deleteRecords(
    timeoutMs: number,
    offsets: readonly { readonly topicPartition: TopicPartition; readonly offset: number }[],
    callback: DeleteRecordsCallback,
  ): Promise<void> {
    const status: DeleteRecordsStatus[] = []
    for (const { topicPartition, offset } of offsets) status.push(await this.#deleteLocally(topicPartition, offset))
    const mustWait = ({ result, requiredOffset }: DeleteRecordsStatus) =>
      result.errorCode === ErrorCode.NONE && result.lowWatermark < requiredOffset
    if (!status.some(mustWait)) {
      callback(status.map(({ result }) => result))
      return
    }
    const check = (topicPartition: TopicPartition) => this.#checkLowWatermark(topicPartition)
    const delayed = new DelayedDeleteRecords(timeoutMs, status, check, callback)
    this.deleteRecordsPurgatory.tryCompleteElseWatch(
      delayed,
      offsets.map(({ topicPartition }) => partitionKey(topicPartition)),
    )
  }

  /**
   * The offset for a timestamp, special or not, as a reader with `isolation` sees it. Errors come in the result.
   * @param currentLeaderEpoch -1: not given
   * @param requireLeader else any replica may tell
   */
  async fetchOffset(
    topicPartition: TopicPartition,
    timestamp: number,
    isolation: FetchIsolation,
    currentLeaderEpoch: number,
    requireLeader = true,
  ): Promise<OffsetResult> {
    try {
      const partition = this.getPartitionOrThrow(topicPartition)
      const found = await partition.fetchOffsetForTimestamp(timestamp, isolation, currentLeaderEpoch, requireLeader)
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
      const partition = this.#partitions.getByIdOrThrow(id, ErrorCode.UNKNOWN_TOPIC_ID)
      return partition.appendRecordsToLeader(records, origin, requiredAcks)
    }
    const outcome = await appendToPartition(id, append, () => this.getPartition(id)?.log?.logStartOffset ?? -1)
    if (outcome.appended === undefined) return { requiredOffset: -1, result: outcome.result, acksPending: false }
    const { info, highWatermarkIncreased } = outcome.appended
    if (highWatermarkIncreased) this.#completeDelayedRequests(partitionKey(id))
    else this.fetchPurgatory.checkAndComplete(partitionKey(id))
    return { requiredOffset: info.lastOffset + 1, result: outcome.result, acksPending: requiredAcks === -1 }
  }

  #checkReached(id: TopicIdPartition, requiredOffset: number): { reached: boolean; errorCode: number } {
    try {
      return this.#partitions
        .getByIdOrThrow(id, ErrorCode.UNKNOWN_TOPIC_ID)
        .checkEnoughReplicasReachOffset(requiredOffset)
    } catch (error) {
      return { reached: false, errorCode: expectedErrorCode(error) }
    }
  }

  async #deleteLocally(topicPartition: TopicPartition, offset: number): Promise<DeleteRecordsStatus> {
    try {
      refuseInternalTopic(topicPartition.topic)
      const partition = this.getPartitionOrThrow(topicPartition)
      const { requestedOffset, lowWatermark } = await partition.deleteRecordsOnLeader(offset)
      const result: DeleteRecordsResult = { topicPartition, errorCode: ErrorCode.NONE, lowWatermark }
      return { result, requiredOffset: requestedOffset }
    } catch (error) {
      return {
        result: { topicPartition, errorCode: expectedErrorCode(error), lowWatermark: -1 },
        requiredOffset: -1,
      }
    }
  }

  #checkLowWatermark(topicPartition: TopicPartition): { lowWatermark: number; errorCode: number } {
    try {
      const { lowWatermarkIfLeader } = this.getPartitionOrThrow(topicPartition)
      return { lowWatermark: lowWatermarkIfLeader, errorCode: ErrorCode.NONE }
    } catch (error) {
      return { lowWatermark: -1, errorCode: expectedErrorCode(error) }
    }
  }

  /** Something that delayed operations of the partition wait for has happened. */
  #completeDelayedRequests(key: string): void {
    this.fetchPurgatory.checkAndComplete(key)
    this.producePurgatory.checkAndComplete(key)
    this.deleteRecordsPurgatory.checkAndComplete(key)
  }

  #createChanges(): ReplicaChanges {
    const { brokerId, brokerEpoch, metadataCache, alterPartitionManager, observer } = this.#options
    return new ReplicaChanges({
      context: {
        runtime: this.#runtime,
        brokerId,
        brokerEpoch,
        replicaLagTimeMaxMs: this.#config.replicaLagTimeMaxMs,
        metadataCache,
        alterPartitionManager,
        observer: observer ?? {},
        openLog: (topicPartition, topicId, assignedDirectoryId) =>
          this.#openLog(topicPartition, topicId, assignedDirectoryId),
        truncateLog: (log, targetOffset) => this.#logManager.truncateTo(log, targetOffset),
        truncateLogFully: (log, newOffset) => this.#logManager.truncateFullyAndStartAt(log, newOffset),
        checkpointRecoveryPoints: () => this.#logManager.checkpointRecoveryOffsets(),
        hasDelayedDeletes: () => this.deleteRecordsPurgatory.delayed > 0,
        completeDelayedRequests: key => this.#completeDelayedRequests(key),
      },
      partitions: this.#partitions,
      logManager: this.#logManager,
      fetcherManager: this.#fetcherManager,
      assignmentsManager: this.#options.assignmentsManager,
      interBrokerListenerName: this.#config.interBrokerListenerName,
    })
  }

  async #openLog(
    topicPartition: TopicPartition,
    topicId: string,
    assignedDirectoryId: string | undefined,
  ): Promise<UnifiedLog> {
    const log = await this.#logManager.getOrCreateLog(topicPartition, topicId, assignedDirectoryId)
    try {
      log.updateHighWatermark(await this.#highWatermarks.fetch(log))
    } catch (error) {
      this.#reportDirectory(log.parentDir, error)
      throw new KafkaStorageError(`cannot read the high watermark of ${log.name}`, { cause: error })
    }
    return log
  }

  #reportDirectory(directory: string, error: unknown): void {
    if (!(error instanceof DiskError || error instanceof CorruptCheckpointError)) throw error
    this.#failureChannel.maybeAddOfflineLogDir(directory, error)
  }

  #handleLogDirFailure(directory: string): void {
    const failed: string[] = []
    for (const [key, partition] of this.#partitions.online) {
      if (partition.log?.parentDir !== directory) continue
      this.#partitions.markOffline(key)
      failed.push(key)
      this.#completeDelayedRequests(key)
    }
    if (failed.length === 0) return
    this.#runtime.threads.start('log-dir-failure', () => this.#fetcherManager.removeFetcherForPartitions(failed))
  }
}

function refuseInternalTopic(topic: string): void {
  if (!isInternalTopic(topic)) return
  throw new ApiError(ErrorCode.INVALID_TOPIC_EXCEPTION, `${topic} is an internal topic`)
}
