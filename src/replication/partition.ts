import { DirectoryId } from '../controller/directory-id.ts'
import { directoryOf, type PartitionRegistration } from '../controller/partition-registration.ts'
import type { AppendOrigin } from '../log/append-origin.ts'
import type { LogAppendInfo } from '../log/log-append-info.ts'
import { KafkaStorageError, OffsetOutOfRangeError, UnexpectedAppendOffsetError } from '../log/log-errors.ts'
import type { TimestampAndOffset } from '../log/log-offset-lookup.ts'
import { messageOffsetOnly } from '../log/log-offset-metadata.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { IsrChanges } from './isr-changes.ts'
import { offsetForTimestamp } from './offset-for-timestamp.ts'
import type { PartitionContext } from './partition-context.ts'
import type { PartitionListener } from './partition-listener.ts'
import {
  divergingEpoch,
  type FetchingFollower,
  type LeaderAppendResult,
  type LogOffsetSnapshot,
  type PartitionReadRequest,
  type PartitionReadResult,
} from './partition-read.ts'
import { PartitionState } from './partition-state.ts'
import { ReadWriteLock } from './read-write-lock.ts'
import type { FollowerFetch, Replica } from './replica.ts'

const NO_RECORDS = Buffer.alloc(0)

/**
 * A replica of a partition on this broker, as its leader or a follower (Kafka's Partition). Epochs and assignment come from
 * the metadata; the replica never goes back to an older state of it.
 *
 * A change of role waits for appends under way, so that none lands in a log whose leadership has moved on. Reads take no lock;
 * one during which the leader epoch has changed counts as having come too late.
 */
export class Partition {
  readonly topicPartition: TopicPartition
  readonly topicId: string
  /** `orders-0`. */
  readonly name: string
  readonly #context: PartitionContext
  readonly #leaderIsrUpdateLock: ReadWriteLock
  readonly #state: PartitionState
  readonly #isrChanges: IsrChanges
  readonly #listeners = new Set<PartitionListener>()
  #log: UnifiedLog | undefined

  constructor(context: PartitionContext, topicPartition: TopicPartition, topicId: string) {
    this.topicPartition = topicPartition
    this.topicId = topicId
    this.name = partitionKey(topicPartition)
    this.#context = context
    this.#leaderIsrUpdateLock = new ReadWriteLock(context.runtime, `partition ${this.name}`)
    this.#state = new PartitionState(context)
    this.#isrChanges = new IsrChanges(context, this.#state, { ...topicPartition, topicId }, () =>
      this.#onCommittedIsr(),
    )
  }

  /** Undefined until the replica took a role. */
  get log(): UnifiedLog | undefined {
    return this.#log
  }

  get isLeader(): boolean {
    return this.#state.isLeader
  }

  /** Broker id, -1 when there is no leader. */
  get leaderId(): number {
    return this.#state.leaderId
  }

  /** -1 before the replica took a role. */
  get leaderEpoch(): number {
    return this.#state.leaderEpoch
  }

  /** -1 before the replica took a role. */
  get partitionEpoch(): number {
    return this.#state.partitionEpoch
  }

  get replicas(): readonly number[] {
    return this.#state.replicas
  }

  /** The in-sync replicas as committed by the controller; empty while another broker leads. */
  get isr(): readonly number[] {
    return this.#state.isr.isr
  }

  /** Who may be in sync by now: the ISR, and who was proposed for it. */
  get maximalIsr(): readonly number[] {
    return this.#state.isr.maximalIsr
  }

  /** What is known of the followers, by broker id; empty while another broker leads. */
  get remoteReplicas(): ReadonlyMap<number, Replica> {
    return this.#state.remoteReplicas
  }

  /** The log's end when this replica began to lead in the present epoch; undefined while it does not lead. */
  get leaderEpochStartOffset(): number | undefined {
    return this.#state.leaderEpochStartOffset
  }

  addListener(listener: PartitionListener): void {
    this.#listeners.add(listener)
  }

  removeListener(listener: PartitionListener): void {
    this.#listeners.delete(listener)
  }

  /**
   * Becomes or stays the leader. Returns whether a leader epoch began here. Rejects with `KafkaStorageError` when the log
   * cannot be opened.
   */
  makeLeader(registration: PartitionRegistration): Promise<boolean> {
    return this.#leaderIsrUpdateLock.write(async () => {
      if (registration.partitionEpoch < this.partitionEpoch) return false
      const log = await this.#ensureLog(registration)
      const isNewEpoch = registration.leaderEpoch > this.leaderEpoch
      const startOffset = log.logEndOffset
      // Noted even when nothing is written in the epoch, so that followers can tell where it begins (KIP-101).
      if (isNewEpoch) await log.assignEpochStartOffset(registration.leaderEpoch, startOffset)
      // The controller may have answered a proposal meanwhile.
      if (registration.partitionEpoch < this.partitionEpoch) return false
      const isNews = registration.partitionEpoch > this.partitionEpoch
      this.#state.lead(registration, startOffset)
      const { observer } = this.#context
      if (isNewEpoch) {
        observer.onBecameLeader?.(this.topicPartition, registration.leaderEpoch, startOffset, log.highWatermark)
      }
      if (isNews) observer.onIsrCommitted?.(this.topicPartition, registration.isr, registration.partitionEpoch)
      this.#maybeIncrementLeaderHighWatermark(log)
      return isNewEpoch
    })
  }

  /** Becomes or stays a follower. Returns whether the leader or its epoch changed. Errors as for `makeLeader`. */
  makeFollower(registration: PartitionRegistration): Promise<boolean> {
    return this.#leaderIsrUpdateLock.write(async () => {
      if (registration.partitionEpoch < this.partitionEpoch) return false
      // The role ends before anything is waited for.
      const isNewEpoch = registration.leaderEpoch > this.leaderEpoch
      this.#state.follow(registration)
      const { logEndOffset } = await this.#ensureLog(registration)
      if (isNewEpoch) {
        const { observer } = this.#context
        observer.onBecameFollower?.(this.topicPartition, registration.leaderEpoch, registration.leader, logEndOffset)
      }
      return isNewEpoch
    })
  }

  /** Gives up the role and the log: the replica is deleted or its directory is offline. Waits for appends under way. */
  delete(): Promise<void> {
    return this.#leaderIsrUpdateLock.write(() => {
      this.#state.clear()
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
      if (requiredAcks === -1 && this.#state.isUnderMinIsr(log)) {
        const minIsr = this.#state.effectiveMinIsr(log)
        throw new ApiError(
          ErrorCode.NOT_ENOUGH_REPLICAS,
          `${this.name} has the in-sync replicas [${this.isr.join(', ')}], min.insync.replicas asks for ${minIsr}`,
        )
      }
      const { leaderEpoch } = this
      const info = await log.appendAsLeader(records, leaderEpoch, origin)
      if (info.recordCount > 0 && !info.duplicate) {
        this.#context.observer.onLeaderAppend?.(this.topicPartition, leaderEpoch, info.firstOffset, info.lastOffset)
      }
      return { info, highWatermarkIncreased: this.#maybeIncrementLeaderHighWatermark(log) }
    })
  }

  /**
   * Appends what was fetched from the leader of `leaderEpoch`. Rejects with the errors of `UnifiedLog.appendAsFollower`. The
   * caller sees to it that the replica follows in that epoch until this is done.
   */
  async appendRecordsToFollower(records: Buffer, leaderEpoch: number): Promise<LogAppendInfo> {
    const log = this.#localLog()
    let info: LogAppendInfo
    try {
      info = await log.appendAsFollower(records, leaderEpoch)
    } catch (error) {
      if (!(error instanceof UnexpectedAppendOffsetError)) throw error
      const { logStartOffset, logEndOffset } = log
      const isMiddle = error.firstOffset < logEndOffset && error.lastOffset >= logEndOffset
      if (logStartOffset !== logEndOffset || !isMiddle) throw error
      // The log is empty, and the leader's begins in the middle of a batch: the follower's begins with the whole batch.
      await this.truncateFullyAndStartAt(error.firstOffset)
      info = await log.appendAsFollower(records, leaderEpoch)
    }
    if (info.recordCount > 0) {
      this.#context.observer.onFollowerAppend?.(this.topicPartition, leaderEpoch, info.firstOffset, info.lastOffset)
    }
    return info
  }

  /**
   * A follower's high watermark is what the leader says, as far as its own log goes; it may go back when a new leader does not
   * know better yet. Returns whether it changed.
   */
  updateFollowerHighWatermark(leaderHighWatermark: number): boolean {
    const log = this.#localLog()
    const before = log.highWatermark
    if (leaderHighWatermark === before) return false
    const after = log.updateHighWatermark(leaderHighWatermark)
    if (after === before) return false
    this.#context.observer.onHighWatermark?.(this.topicPartition, after, false)
    return true
  }

  /** Drops everything from `offset` on, as a follower. */
  async truncateTo(offset: number): Promise<void> {
    const log = this.#localLog()
    const { highWatermark } = log
    if (offset < log.logEndOffset) this.#context.observer.onTruncating?.(this.topicPartition, offset, highWatermark)
    if (!(await this.#context.truncateLog(log, offset))) return
    this.#context.observer.onTruncated?.(this.topicPartition, offset, highWatermark)
    await this.#context.checkpointRecoveryPoints()
  }

  /** Drops everything, as a follower; the log goes on at `newOffset`. */
  async truncateFullyAndStartAt(newOffset: number): Promise<void> {
    const log = this.#localLog()
    const { highWatermark } = log
    this.#context.observer.onTruncating?.(this.topicPartition, newOffset, highWatermark)
    await this.#context.truncateLogFully(log, newOffset)
    this.#context.observer.onTruncated?.(this.topicPartition, newOffset, highWatermark)
    await this.#context.checkpointRecoveryPoints()
  }

  /**
   * Reads as the leader, or as whatever this replica is when `requireLeader` is false. Rejects with
   * NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
   *
   * A fetch of a follower tells that everything below its offset is in the follower's log, unless the logs diverge there
   * (KAFKA-13141). It rejects with UNKNOWN_LEADER_EPOCH when the follower is not assigned, or not yet as far as this broker
   * knows.
   */
  async fetchRecords(
    request: PartitionReadRequest,
    requireLeader: boolean,
    follower?: FetchingFollower,
  ): Promise<PartitionReadResult> {
    const timeMs = this.#context.runtime.clock.wallMs()
    const log = this.#logFor(request.currentLeaderEpoch, requireLeader)
    const replica = follower === undefined ? undefined : this.#followerReplica(follower.replicaId, request)
    const { leaderEpoch } = this
    // As it was before the read, so that appends meanwhile do not keep the follower from having caught up.
    const { highWatermark, lastStableOffset, logStartOffset, logEndOffset: leaderEndOffset } = log
    const diverging = divergingEpoch(log, request)
    const { fetchOffset } = request
    if (diverging !== undefined) {
      const fetchOffsetMetadata = messageOffsetOnly(fetchOffset)
      const fetched = { fetchOffsetMetadata, records: NO_RECORDS, firstEntryIncomplete: false }
      return { fetched, highWatermark, lastStableOffset, logStartOffset, divergingEpoch: diverging }
    }
    const fetched = await log.read(fetchOffset, request.maxBytes, request.isolation, request.minOneMessage)
    if (this.leaderEpoch !== leaderEpoch) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `the leader epoch of ${this.name} changed during a read`)
    }
    if (follower?.updateFetchState === true && replica !== undefined) {
      const { logStartOffset: startOffset, brokerEpoch } = follower
      const fetch = { fetchOffset: fetched.fetchOffsetMetadata, logStartOffset: startOffset, timeMs }
      this.#updateFollowerFetchState(log, replica, { ...fetch, leaderEndOffset, brokerEpoch })
    }
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
    const { leaderEpoch, leaderEpochStartOffset } = this
    return offsetForTimestamp(log, { timestamp, isolation, leaderEpoch, leaderEpochStartOffset })
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
   * Makes `offset` (-1: the high watermark) the first visible one here; followers learn of it by their fetches. Returns the
   * offset, and the first one left on all live replicas now. Rejects with NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE,
   * POLICY_VIOLATION for topics that are only compacted.
   */
  deleteRecordsOnLeader(offset: number): Promise<{ requestedOffset: number; lowWatermark: number }> {
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
      return { requestedOffset: upTo, lowWatermark: this.#state.lowWatermark(log) }
    })
  }

  /** The first offset that is left on all live replicas. Throws NOT_LEADER_OR_FOLLOWER. */
  get lowWatermarkIfLeader(): number {
    return this.#state.lowWatermark(this.#leaderLog())
  }

  /**
   * Whether the records below `requiredOffset` are as safe as acks=-1 asks: committed, with enough replicas in sync. An
   * error means that they will not be, or that nobody can tell any more.
   */
  checkEnoughReplicasReachOffset(requiredOffset: number): { reached: boolean; errorCode: ErrorCode } {
    const log = this.#log
    if (!this.isLeader || log === undefined) return { reached: false, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
    if (log.highWatermark < requiredOffset) return { reached: false, errorCode: ErrorCode.NONE }
    const enough = this.maximalIsr.length >= this.#state.effectiveMinIsr(log)
    return { reached: true, errorCode: enough ? ErrorCode.NONE : ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND }
  }

  /** Proposes to leave followers out of the ISR that have lagged behind for too long. */
  maybeShrinkIsr(): void {
    if (this.isLeader && this.#log !== undefined) this.#isrChanges.maybeShrink(this.#log)
  }

  async #ensureLog(registration: PartitionRegistration): Promise<UnifiedLog> {
    if (this.#log === undefined) {
      const directoryId = directoryOf(registration, this.#context.brokerId)
      const assigned = directoryId === DirectoryId.UNASSIGNED ? undefined : directoryId
      this.#log = await this.#context.openLog(this.topicPartition, this.topicId, assigned)
    }
    return this.#log
  }

  #updateFollowerFetchState(log: UnifiedLog, replica: Replica, fetch: FollowerFetch): void {
    // It may have been moved away during the read.
    if (this.#state.remoteReplicas.get(replica.brokerId) !== replica) return
    this.#state.checkBrokerEpoch(replica, fetch.brokerEpoch)
    const hasDelayedDeletes = this.#context.hasDelayedDeletes()
    const lowWatermarkBefore = hasDelayedDeletes ? this.#state.lowWatermark(log) : 0
    const endOffsetBefore = replica.logEndOffset
    replica.updateFetchState(fetch)
    const lowWatermarkIncreased = hasDelayedDeletes && this.#state.lowWatermark(log) > lowWatermarkBefore
    this.#isrChanges.maybeExpand(replica, log)
    const highWatermarkIncreased =
      endOffsetBefore !== replica.logEndOffset && this.#maybeIncrementLeaderHighWatermark(log)
    if (lowWatermarkIncreased || highWatermarkIncreased) this.#context.completeDelayedRequests(this.name)
  }

  #onCommittedIsr(): void {
    const log = this.#log
    if (log === undefined || !this.isLeader) return
    // Who was waited for may have left, and enough may be in sync again.
    if (this.#maybeIncrementLeaderHighWatermark(log)) this.#context.completeDelayedRequests(this.name)
  }

  #maybeIncrementLeaderHighWatermark(log: UnifiedLog): boolean {
    if (!this.#state.maybeIncrementHighWatermark(log)) return false
    const { topicPartition } = this
    const { highWatermark } = log
    this.#context.observer.onHighWatermark?.(topicPartition, highWatermark, true)
    for (const listener of this.#listeners) listener.onHighWatermarkUpdated(topicPartition, highWatermark)
    return true
  }

  #followerReplica(replicaId: number, { currentLeaderEpoch }: PartitionReadRequest): Replica {
    const replica = this.#state.remoteReplicas.get(replicaId)
    if (replica !== undefined) return replica
    // With the right leader epoch, the follower may know of a reassignment that this broker has not heard of yet.
    const code = currentLeaderEpoch >= 0 ? ErrorCode.UNKNOWN_LEADER_EPOCH : ErrorCode.NOT_LEADER_OR_FOLLOWER
    throw new ApiError(code, `broker ${replicaId} is not a replica of ${this.name}: [${this.replicas.join(', ')}]`)
  }

  #leaderLog(): UnifiedLog {
    return this.#logFor(-1, true)
  }

  #localLog(): UnifiedLog {
    return this.#logFor(-1, false)
  }

  #logFor(currentLeaderEpoch: number, requireLeader: boolean): UnifiedLog {
    this.#checkCurrentLeaderEpoch(currentLeaderEpoch)
    if (requireLeader && !this.isLeader) {
      const { brokerId } = this.#context
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `broker ${brokerId} does not lead ${this.name}`)
    }
    if (this.#log === undefined) {
      throw new ApiError(
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        `${this.name} has no log on broker ${this.#context.brokerId}`,
      )
    }
    return this.#log
  }

  #checkCurrentLeaderEpoch(epoch: number): void {
    if (epoch === -1 || epoch === this.leaderEpoch) return
    const code = epoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
    throw new ApiError(code, `${this.name} is at leader epoch ${this.leaderEpoch}, the request at ${epoch}`)
  }
}

/** The partition's log directory has failed. */
export function offlinePartitionError(name: string): KafkaStorageError {
  return new KafkaStorageError(`${name} lies in a log directory that has failed`)
}
