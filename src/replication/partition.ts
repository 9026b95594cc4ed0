import type { PartitionRegistration } from '../controller/partition-registration.ts'
import type { AppendOrigin } from '../log/append-origin.ts'
import { UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET } from '../log/leader-epoch-file-cache.ts'
import type { FetchDataInfo } from '../log/local-log.ts'
import type { LogAppendInfo } from '../log/log-append-info.ts'
import { KafkaStorageError, OffsetOutOfRangeError } from '../log/log-errors.ts'
import type { TimestampAndOffset } from '../log/log-offset-lookup.ts'
import type { LogOffsetMetadata } from '../log/log-offset-metadata.ts'
import { partitionKey, type TopicPartition } from '../log/topic-partition.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'
import { ListOffsetsTimestamp } from '../protocol/apis/list-offsets.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { ReadWriteLock } from './read-write-lock.ts'

export interface LeaderAppendResult {
  readonly info: LogAppendInfo
  /** Whether the append moved the high watermark: delayed fetches and produces may be complete now. */
  readonly highWatermarkIncreased: boolean
}

/** The offsets of a log at one moment (Kafka's LogOffsetSnapshot). */
export interface LogOffsetSnapshot {
  readonly logStartOffset: number
  readonly logEndOffset: LogOffsetMetadata
  readonly highWatermark: LogOffsetMetadata
  readonly lastStableOffset: LogOffsetMetadata
}

export interface PartitionReadResult {
  readonly fetched: FetchDataInfo
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number }
}

export interface PartitionReadRequest {
  readonly fetchOffset: number
  readonly maxBytes: number
  readonly isolation: FetchIsolation
  readonly minOneMessage: boolean
  /** -1: not given. */
  readonly currentLeaderEpoch: number
  /** -1: not given. */
  readonly lastFetchedEpoch: number
}

/** The log of a partition with its high watermark from the checkpoint; made when there is none. */
export type OpenPartitionLog = (topicPartition: TopicPartition, topicId: string) => Promise<UnifiedLog>

/**
 * A replica of a partition on this broker, as its leader or a follower (Kafka's Partition). Epochs and assignment come from
 * the metadata; the replica never goes back to an older state of it. A change of role waits for appends under way, so that
 * none lands in a log whose leadership has moved on.
 */
export class Partition {
  readonly topicPartition: TopicPartition
  readonly topicId: string
  /** `orders-0`. */
  readonly name: string
  readonly #localBrokerId: number
  readonly #openLog: OpenPartitionLog
  readonly #leaderIsrUpdateLock: ReadWriteLock
  #log: UnifiedLog | undefined
  #registration: PartitionRegistration | undefined
  #leaderEpochStartOffset: number | undefined

  constructor(
    runtime: Runtime,
    localBrokerId: number,
    topicPartition: TopicPartition,
    topicId: string,
    openLog: OpenPartitionLog,
  ) {
    this.topicPartition = topicPartition
    this.topicId = topicId
    this.name = partitionKey(topicPartition)
    this.#localBrokerId = localBrokerId
    this.#openLog = openLog
    this.#leaderIsrUpdateLock = new ReadWriteLock(runtime, `partition ${this.name}`)
  }

  /** Undefined until the replica took a role. */
  get log(): UnifiedLog | undefined {
    return this.#log
  }

  get isLeader(): boolean {
    return this.#registration?.leader === this.#localBrokerId
  }

  /** Broker id, -1 when there is no leader. */
  get leaderId(): number {
    return this.#registration?.leader ?? -1
  }

  /** -1 before the replica took a role. */
  get leaderEpoch(): number {
    return this.#registration?.leaderEpoch ?? -1
  }

  get partitionEpoch(): number {
    return this.#registration?.partitionEpoch ?? -1
  }

  get replicas(): readonly number[] {
    return this.#registration?.replicas ?? []
  }

  get isr(): readonly number[] {
    return this.#registration?.isr ?? []
  }

  /** The log's end when this replica began to lead in the present epoch; undefined while it does not lead. */
  get leaderEpochStartOffset(): number | undefined {
    return this.#leaderEpochStartOffset
  }

  /**
   * Becomes or stays the leader. Returns whether a leader epoch began here. Rejects with `KafkaStorageError` when the log
   * cannot be opened.
   */
  makeLeader(registration: PartitionRegistration): Promise<boolean> {
    return this.#leaderIsrUpdateLock.write(async () => {
      if (registration.partitionEpoch <= this.partitionEpoch) return false
      const log = await this.#ensureLog()
      const isNewEpoch = registration.leaderEpoch > this.leaderEpoch
      if (isNewEpoch) {
        this.#leaderEpochStartOffset = log.logEndOffset
        // Noted even when nothing is written in the epoch, so that followers can tell where it begins (KIP-101).
        await log.assignEpochStartOffset(registration.leaderEpoch, log.logEndOffset)
      }
      this.#registration = registration
      this.#maybeIncrementLeaderHighWatermark(log)
      return isNewEpoch
    })
  }

  /** Becomes or stays a follower. Returns whether the leader or its epoch changed. Errors as for `makeLeader`. */
  makeFollower(registration: PartitionRegistration): Promise<boolean> {
    return this.#leaderIsrUpdateLock.write(async () => {
      if (registration.partitionEpoch <= this.partitionEpoch) return false
      await this.#ensureLog()
      const isNewEpoch = registration.leaderEpoch > this.leaderEpoch
      this.#leaderEpochStartOffset = undefined
      this.#registration = registration
      return isNewEpoch
    })
  }

  /** Gives up the role and the log: the replica is deleted or its directory is offline. Waits for appends under way. */
  delete(): Promise<void> {
    return this.#leaderIsrUpdateLock.write(() => {
      this.#registration = undefined
      this.#leaderEpochStartOffset = undefined
      this.#log = undefined
    })
  }

  /**
   * Appends as the leader. Rejects with NOT_LEADER_OR_FOLLOWER, with NOT_ENOUGH_REPLICAS when `requiredAcks` is -1 and too
   * few replicas are in sync, and with the errors of `UnifiedLog.appendAsLeader`.
   */
  appendRecordsToLeader(records: Buffer, origin: AppendOrigin, requiredAcks: number): Promise<LeaderAppendResult> {
    return this.#leaderIsrUpdateLock.read(async () => {
      const log = this.#leaderLog()
      const minIsr = this.#effectiveMinIsr(log)
      if (requiredAcks === -1 && this.isr.length < minIsr) {
        throw new ApiError(
          ErrorCode.NOT_ENOUGH_REPLICAS,
          `${this.name} has the in-sync replicas [${this.isr.join(', ')}], min.insync.replicas asks for ${minIsr}`,
        )
      }
      const info = await log.appendAsLeader(records, this.leaderEpoch, origin)
      return { info, highWatermarkIncreased: this.#maybeIncrementLeaderHighWatermark(log) }
    })
  }

  /**
   * Reads as the leader, or as whatever this replica is when `requireLeader` is false. Rejects with
   * NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
   */
  async fetchRecords(request: PartitionReadRequest, requireLeader: boolean): Promise<PartitionReadResult> {
    const log = this.#logFor(request.currentLeaderEpoch, requireLeader)
    const { highWatermark, lastStableOffset, logStartOffset } = log
    const divergingEpoch = this.#divergingEpoch(log, request)
    if (divergingEpoch !== undefined) {
      const fetched = {
        fetchOffsetMetadata: await log.fetchHighWatermarkMetadata(),
        records: Buffer.alloc(0),
        firstEntryIncomplete: false,
      }
      return { fetched, highWatermark, lastStableOffset, logStartOffset, divergingEpoch }
    }
    const fetched = await log.read(request.fetchOffset, request.maxBytes, request.isolation, request.minOneMessage)
    return { fetched, highWatermark, lastStableOffset, logStartOffset }
  }

  /** The offsets now. Throws as `fetchRecords` does, but never OFFSET_OUT_OF_RANGE. */
  fetchOffsetSnapshot(currentLeaderEpoch: number, requireLeader: boolean): LogOffsetSnapshot {
    const log = this.#logFor(currentLeaderEpoch, requireLeader)
    return {
      logStartOffset: log.logStartOffset,
      logEndOffset: log.logEndOffsetMetadata,
      highWatermark: log.highWatermarkMetadata,
      lastStableOffset: log.highWatermarkMetadata,
    }
  }

  /**
   * The offset for a timestamp, as far as a reader with `isolation` sees (`log-end`: everything). Rejects as `fetchRecords`
   * does, and with OFFSET_NOT_AVAILABLE while a new leader's high watermark has not reached its epoch.
   */
  async fetchOffsetForTimestamp(
    timestamp: number,
    isolation: FetchIsolation,
    currentLeaderEpoch: number,
    requireLeader: boolean,
  ): Promise<TimestampAndOffset | undefined> {
    const log = this.#logFor(currentLeaderEpoch, requireLeader)
    const lastFetchableOffset = isolation === 'log-end' ? log.logEndOffset : log.highWatermark
    const isBehindEpoch = isolation !== 'log-end' && (this.#leaderEpochStartOffset ?? 0) > log.highWatermark
    if (timestamp === ListOffsetsTimestamp.LATEST) {
      if (isBehindEpoch) throw this.#offsetNotAvailable(log)
      return { timestamp: -1, offset: lastFetchableOffset, leaderEpoch: this.leaderEpoch }
    }
    const found = await log.fetchOffsetByTimestamp(timestamp)
    // The log's start is committed by nature, and what is tiered as well.
    if (timestamp < 0 && timestamp !== ListOffsetsTimestamp.MAX_TIMESTAMP) return found
    if (found !== undefined && found.offset < lastFetchableOffset) return found
    if (isBehindEpoch) throw this.#offsetNotAvailable(log)
    return undefined
  }

  /** Up to where this log agrees with one that was at `leaderEpoch` (KIP-101). Throws as `fetchOffsetSnapshot` does. */
  lastOffsetForLeaderEpoch(
    currentLeaderEpoch: number,
    leaderEpoch: number,
    requireLeader: boolean,
  ): { epoch: number; endOffset: number } {
    return this.#logFor(currentLeaderEpoch, requireLeader).endOffsetForEpoch(leaderEpoch)
  }

  /**
   * Makes `offset` (-1: the high watermark) the first visible one. Returns the log start offset after it. Rejects with
   * NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE, POLICY_VIOLATION for topics that are only compacted.
   */
  deleteRecordsOnLeader(offset: number): Promise<number> {
    return this.#leaderIsrUpdateLock.read(async () => {
      const log = this.#leaderLog()
      if (!log.config.delete && log.config.compact) {
        throw new ApiError(
          ErrorCode.POLICY_VIOLATION,
          `records of ${this.name} cannot be deleted: its cleanup.policy is not delete`,
        )
      }
      const upTo = offset === -1 ? log.highWatermark : offset
      if (upTo < 0) throw new OffsetOutOfRangeError(upTo, 'records are deleted below a positive offset, or -1')
      await log.maybeIncrementLogStartOffset(upTo)
      return log.logStartOffset
    })
  }

  /**
   * Whether the records below `requiredOffset` are as safe as acks=-1 asks: committed, with enough replicas in sync. An
   * error means that they will not be, or that nobody can tell any more.
   */
  checkEnoughReplicasReachOffset(requiredOffset: number): { reached: boolean; errorCode: ErrorCode } {
    const log = this.#log
    if (!this.isLeader || log === undefined) return { reached: false, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
    if (log.highWatermark < requiredOffset) return { reached: false, errorCode: ErrorCode.NONE }
    const enough = this.isr.length >= this.#effectiveMinIsr(log)
    return { reached: true, errorCode: enough ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND }
  }

  async #ensureLog(): Promise<UnifiedLog> {
    this.#log ??= await this.#openLog(this.topicPartition, this.topicId)
    return this.#log
  }

  /**
   * What all in-sync replicas hold is committed. While others than this broker are in sync, only their fetches could tell;
   * below `min.insync.replicas` nothing becomes committed (KIP-966).
   */
  #maybeIncrementLeaderHighWatermark(log: UnifiedLog): boolean {
    if (this.isr.length < this.#effectiveMinIsr(log)) return false
    if (this.isr.some(brokerId => brokerId !== this.#localBrokerId)) return false
    return log.maybeIncrementHighWatermark(log.logEndOffsetMetadata)
  }

  /** `min.insync.replicas`, but no more than there are replicas. */
  #effectiveMinIsr(log: UnifiedLog): number {
    return Math.min(log.config.minInsyncReplicas, this.replicas.length)
  }

  #divergingEpoch(
    log: UnifiedLog,
    { fetchOffset, lastFetchedEpoch }: PartitionReadRequest,
  ): { epoch: number; endOffset: number } | undefined {
    if (lastFetchedEpoch < 0) return undefined
    const { epoch, endOffset } = log.endOffsetForEpoch(lastFetchedEpoch)
    if (epoch === UNDEFINED_EPOCH || endOffset === UNDEFINED_EPOCH_OFFSET) {
      throw new OffsetOutOfRangeError(fetchOffset, `${this.name} knows nothing of leader epoch ${lastFetchedEpoch}`)
    }
    if (fetchOffset < log.logStartOffset) {
      throw new OffsetOutOfRangeError(fetchOffset, `${this.name} begins at ${log.logStartOffset}`)
    }
    return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : undefined
  }

  #leaderLog(): UnifiedLog {
    return this.#logFor(-1, true)
  }

  #logFor(currentLeaderEpoch: number, requireLeader: boolean): UnifiedLog {
    this.#checkCurrentLeaderEpoch(currentLeaderEpoch)
    if (requireLeader && !this.isLeader) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `broker ${this.#localBrokerId} does not lead ${this.name}`)
    }
    if (this.#log === undefined) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.name} has no log on broker ${this.#localBrokerId}`)
    }
    return this.#log
  }

  #checkCurrentLeaderEpoch(epoch: number): void {
    if (epoch === -1 || epoch === this.leaderEpoch) return
    const code = epoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
    throw new ApiError(code, `${this.name} is at leader epoch ${this.leaderEpoch}, the request at ${epoch}`)
  }

  #offsetNotAvailable(log: UnifiedLog): ApiError {
    return new ApiError(
      ErrorCode.OFFSET_NOT_AVAILABLE,
      `the high watermark ${log.highWatermark} of ${this.name} has not reached its leader epoch's beginning yet`,
    )
  }
}

/** The partition's log directory has failed. */
export function offlinePartitionError(name: string): KafkaStorageError {
  return new KafkaStorageError(`${name} lies in a log directory that has failed`)
}
