import type { UnifiedLog } from '../log/unified-log.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { RecordsError } from '../protocol/records/errors.ts'
import { partitionKey, type TopicIdPartition, type TopicPartition } from '../protocol/topic-partition.ts'
import { Condition } from '../runtime/condition.ts'
import { Mutex } from '../runtime/mutex.ts'
import type { Runtime, Thread } from '../runtime/runtime.ts'
import {
  type FetchedData,
  type FetchedPartition,
  type FetchTarget,
  type LeaderEndPoint,
  LeaderUnreachableError,
} from './leader-end-point.ts'
import type { Partition } from './partition.ts'
import {
  type InitialFetchState,
  initialFetchState,
  type PartitionFetchState,
  resumedAt,
  truncationOffset,
} from './partition-fetch-state.ts'
import type { ReplicationObserver } from './replication-observer.ts'

const NO_RECORDS = Buffer.alloc(0)

/** The replicas that a fetcher copies into. */
export interface FollowerReplicas {
  /** Throws `ApiError` when this broker does not host the partition, or its directory has failed. */
  getPartitionOrThrow(topicPartition: TopicPartition): Partition
  /** The high watermarks of these partitions have moved: fetches of consumers may be complete. By partition key. */
  completeDelayedFetches(partitionKeys: readonly string[]): void
}

export interface ReplicaFetcherThreadOptions {
  readonly name: string
  readonly leader: LeaderEndPoint
  readonly replicas: FollowerReplicas
  /** `replica.fetch.backoff.ms` */
  readonly fetchBackoffMs: number
  /** Keys of partitions that nobody fetches any more, because of an error that waiting does not mend. Shared by all threads. */
  readonly failedPartitions: Set<string>
  readonly observer?: Pick<ReplicationObserver, 'onFetchingFailed'> | undefined
}

/**
 * Copies partitions from one leader (Kafka's AbstractFetcherThread and ReplicaFetcherThread): asks, appends what comes, cuts
 * the own log where it parts from the leader's (KIP-595), and asks again.
 *
 * A leadership may end while an answer is on its way. So an answer counts only when the partition is still fetched in the leader
 * epoch, and from the offset, that was asked with (KAFKA-18991); and partitions are added and removed only while no answer is
 * being worked on.
 */
export class ReplicaFetcherThread {
  readonly leader: LeaderEndPoint
  readonly #runtime: Runtime
  readonly #options: ReplicaFetcherThreadOptions
  /** By partition key. Who got records goes to the end, so that all get their turn in a full response. */
  readonly #states = new Map<string, PartitionFetchState>()
  /** Held while answers are worked on (Kafka's partitionMapLock). */
  readonly #partitionMapLock: Mutex
  /** There is another partition to fetch, or the thread is to end. */
  readonly #changed: Condition
  readonly #withNewHighWatermark: string[] = []
  #thread: Thread | undefined
  #running = true

  constructor(runtime: Runtime, options: ReplicaFetcherThreadOptions) {
    this.#runtime = runtime
    this.#options = options
    this.leader = options.leader
    this.#partitionMapLock = new Mutex(runtime, options.name)
    this.#changed = new Condition(runtime, `${options.name}: partitions to fetch`)
  }

  get partitionCount(): number {
    return this.#states.size
  }

  /** Undefined when the thread does not fetch the partition. */
  fetchState(key: string): PartitionFetchState | undefined {
    return this.#states.get(key)
  }

  start(): void {
    this.#thread = this.#runtime.threads.start(this.#options.name, () => this.#run())
  }

  /** A partition that is fetched in the same leader epoch already goes on as it is. */
  async addPartitions(initial: readonly InitialFetchState[]): Promise<void> {
    await this.#partitionMapLock.runExclusive(() => {
      for (const state of initial) this.#add(state)
      this.#changed.signalAll()
    })
  }

  /** Nothing is appended to these partitions, or cut off, after this has resolved. */
  async removePartitions(keys: Iterable<string>): Promise<void> {
    await this.#partitionMapLock.runExclusive(() => {
      for (const key of keys) this.#states.delete(key)
    })
  }

  /** Ends the thread; a fetch under way is given up. */
  async shutdown(): Promise<void> {
    this.#running = false
    this.leader.close()
    this.#changed.signalAll()
    await this.#thread?.done
  }

  async #run(): Promise<void> {
    while (this.#running) {
      // Between looking and waiting nothing may come in unnoticed.
      while (this.#isAnyTruncating()) await this.#truncate()
      const targets = this.#targets()
      if (targets.length === 0) await this.#changed.wait(this.#nextReadyMs())
      else await this.#fetch(targets)
    }
  }

  #add(initial: InitialFetchState): void {
    const key = partitionKey(initial.partition)
    const { failedPartitions, replicas } = this.#options
    failedPartitions.delete(key)
    const current = this.#states.get(key)
    const isKnown =
      current?.target.currentLeaderEpoch === initial.currentLeaderEpoch &&
      current.target.partition.topicId === initial.partition.topicId
    if (isKnown) return
    const log = replicas.getPartitionOrThrow(initial.partition).log
    if (log === undefined) throw new Error(`${key} is to be fetched without a log`)
    this.#states.set(key, initialFetchState(initial, log))
  }

  /** What to ask for now. Partitions whose directory has failed are asked for later, when they are no longer here. */
  #targets(): FetchTarget[] {
    const targets: FetchTarget[] = []
    const nowMs = this.#runtime.clock.monotonicMs()
    for (const [key, state] of this.#states) {
      if (state.phase !== 'fetching' || state.delayedUntilMs > nowMs) continue
      const log = this.#logOrDelay(key, state)
      if (log === undefined) continue
      if (log.logStartOffset !== state.target.logStartOffset) {
        const target = { ...state.target, logStartOffset: log.logStartOffset }
        this.#states.set(key, { ...state, target })
        targets.push(target)
      } else {
        targets.push(state.target)
      }
    }
    return targets
  }

  #logOrDelay(key: string, { target }: PartitionFetchState): UnifiedLog | undefined {
    try {
      return this.#logOf(target.partition)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#delay(key)
      return undefined
    }
  }

  /** Milliseconds until a delayed partition may be fetched; undefined: none is delayed. */
  #nextReadyMs(): number | undefined {
    let earliestMs = Number.POSITIVE_INFINITY
    for (const { delayedUntilMs } of this.#states.values()) earliestMs = Math.min(earliestMs, delayedUntilMs)
    if (earliestMs === Number.POSITIVE_INFINITY) return undefined
    return Math.max(0, earliestMs - this.#runtime.clock.monotonicMs())
  }

  #isAnyTruncating(): boolean {
    const nowMs = this.#runtime.clock.monotonicMs()
    for (const state of this.#states.values()) if (isTruncating(state, nowMs)) return true
    return false
  }

  /** Cuts logs that know no leader epoch to where their fetching begins, their high watermark. */
  #truncate(): Promise<void> {
    return this.#partitionMapLock.runExclusive(async () => {
      const nowMs = this.#runtime.clock.monotonicMs()
      for (const [key, state] of [...this.#states]) {
        if (isTruncating(state, nowMs)) await this.#truncateTo(key, state, state.target.fetchOffset)
      }
    })
  }

  async #fetch(targets: readonly FetchTarget[]): Promise<void> {
    let fetched: readonly FetchedPartition[]
    try {
      fetched = await this.leader.fetch(targets)
    } catch (error) {
      if (!(error instanceof LeaderUnreachableError)) throw error
      for (const key of [...this.#states.keys()]) this.#delay(key)
      return
    }
    if (fetched.length === 0) return
    const outOfRange: PartitionFetchState[] = []
    await this.#partitionMapLock.runExclusive(async () => {
      for (const { target, data } of fetched) {
        const state = this.#stateFor(target)
        if (state === undefined) continue
        if (data.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) outOfRange.push(state)
        else await this.#process(partitionKey(target.partition), state, data)
      }
    })
    this.#completeDelayedFetches()
    for (const state of outOfRange) await this.#handleOutOfRange(state)
  }

  /** The state that an answer belongs to; undefined when the partition is no longer fetched so. */
  #stateFor(target: FetchTarget): PartitionFetchState | undefined {
    const state = this.#states.get(partitionKey(target.partition))
    if (state === undefined || state.phase !== 'fetching') return undefined
    if (state.delayedUntilMs > this.#runtime.clock.monotonicMs()) return undefined
    const { partition, fetchOffset, currentLeaderEpoch } = state.target
    const isCurrent =
      partition.topicId === target.partition.topicId &&
      fetchOffset === target.fetchOffset &&
      currentLeaderEpoch === target.currentLeaderEpoch
    return isCurrent ? state : undefined
  }

  async #process(key: string, state: PartitionFetchState, data: FetchedData): Promise<void> {
    switch (data.errorCode) {
      case ErrorCode.NONE:
        // The rest of such an answer says nothing about a log that has yet to be cut.
        if (data.divergingEpoch.epoch >= 0) await this.#onDiverging(key, state, data.divergingEpoch)
        else await this.#append(key, state, data)
        return
      case ErrorCode.FENCED_LEADER_EPOCH:
        // The leader is ahead; new metadata will say who leads.
        this.#markFailed(state, new ApiError(data.errorCode))
        return
      default:
        this.#delay(key)
    }
  }

  #onDiverging(
    key: string,
    state: PartitionFetchState,
    leader: { readonly epoch: number; readonly endOffset: number },
  ): Promise<void> {
    return this.#guarded(key, state, () => {
      const { partition, fetchOffset } = state.target
      return this.#truncateTo(key, state, truncationOffset(this.#logOf(partition), fetchOffset, leader))
    })
  }

  #append(key: string, state: PartitionFetchState, data: FetchedData): Promise<void> {
    return this.#guarded(key, state, async () => {
      const { partition: id, fetchOffset, currentLeaderEpoch } = state.target
      const partition = this.#options.replicas.getPartitionOrThrow(id)
      const log = this.#logOf(id)
      if (fetchOffset !== log.logEndOffset) {
        const code = ErrorCode.UNKNOWN_SERVER_ERROR
        throw new ApiError(code, `${key} was fetched from offset ${fetchOffset} and ends at ${log.logEndOffset}`)
      }
      const records = data.records ?? NO_RECORDS
      if (records.length > 0) {
        const info = await partition.appendRecordsToFollower(records, currentLeaderEpoch)
        if (info.sizeInBytes > 0) {
          const lastFetchedEpoch = info.lastLeaderEpoch
          const target = { ...state.target, fetchOffset: info.lastOffset + 1, lastFetchedEpoch }
          this.#states.delete(key)
          this.#states.set(key, { target, phase: 'fetching', delayedUntilMs: 0 })
        }
      }
      if (partition.updateFollowerHighWatermark(data.highWatermark)) this.#withNewHighWatermark.push(key)
      if (data.logStartOffset > log.logStartOffset) await log.maybeIncrementLogStartOffset(data.logStartOffset)
    })
  }

  /**
   * The leader does not have the offset. Its log may be shorter, after an unclean election: then the follower's is cut to the
   * same end. Or its log begins later: then the follower's begins there anew. Asks the leader without holding the lock, so that
   * a change of leadership need not wait for an answer.
   */
  async #handleOutOfRange(state: PartitionFetchState): Promise<void> {
    const { target } = state
    const key = partitionKey(target.partition)
    try {
      const leaderEndOffset = await this.leader.fetchLatestOffset(target.partition, target.currentLeaderEpoch)
      const endOffset = this.#logOf(target.partition).logEndOffset
      const leaderStartOffset =
        leaderEndOffset < endOffset
          ? undefined
          : await this.leader.fetchEarliestOffset(target.partition, target.currentLeaderEpoch)
      await this.#partitionMapLock.runExclusive(() =>
        this.#guarded(key, state, () => this.#resetOffset(key, target, leaderEndOffset, leaderStartOffset)),
      )
    } catch (error) {
      if (this.#stateFor(target) === undefined) return
      if (error instanceof ApiError && error.code === ErrorCode.FENCED_LEADER_EPOCH) this.#markFailed(state, error)
      else this.#delay(key)
    }
  }

  /** @param leaderStartOffset undefined: the leader's log ends before the follower's */
  async #resetOffset(
    key: string,
    target: FetchTarget,
    leaderEndOffset: number,
    leaderStartOffset: number | undefined,
  ): Promise<void> {
    const state = this.#stateFor(target)
    if (state === undefined) return
    const partition = this.#options.replicas.getPartitionOrThrow(target.partition)
    const log = this.#logOf(target.partition)
    if (leaderStartOffset === undefined) {
      await this.#truncateTo(key, state, leaderEndOffset)
      return
    }
    if (leaderStartOffset > log.logEndOffset) await partition.truncateFullyAndStartAt(leaderStartOffset)
    this.#states.set(key, resumedAt(state, log.logEndOffset, log))
  }

  async #truncateTo(key: string, state: PartitionFetchState, offset: number): Promise<void> {
    await this.#guarded(key, state, async () => {
      await this.#options.replicas.getPartitionOrThrow(state.target.partition).truncateTo(offset)
      this.#states.set(key, resumedAt(state, offset, this.#logOf(state.target.partition)))
    })
  }

  /**
   * Records that make no sense may do so the next time; everything else, a fault of this code too, does not mend by itself, and
   * ends the fetching of its partition only (AbstractFetcherThread.processFetchRequest, doTruncate).
   */
  async #guarded(key: string, state: PartitionFetchState, body: () => Promise<void>): Promise<void> {
    try {
      await body()
    } catch (error) {
      if (error instanceof RecordsError) this.#delay(key)
      else this.#markFailed(state, error)
    }
  }

  #delay(key: string): void {
    const state = this.#states.get(key)
    const nowMs = this.#runtime.clock.monotonicMs()
    if (state === undefined || state.delayedUntilMs > nowMs) return
    this.#states.set(key, { ...state, delayedUntilMs: nowMs + this.#options.fetchBackoffMs })
  }

  #markFailed({ target: { partition } }: PartitionFetchState, cause: unknown): void {
    const key = partitionKey(partition)
    this.#states.delete(key)
    this.#options.failedPartitions.add(key)
    this.#options.observer?.onFetchingFailed?.(partition, cause)
  }

  #completeDelayedFetches(): void {
    if (this.#withNewHighWatermark.length === 0) return
    this.#options.replicas.completeDelayedFetches(this.#withNewHighWatermark.splice(0))
  }

  #logOf(partition: TopicIdPartition): UnifiedLog {
    const { log } = this.#options.replicas.getPartitionOrThrow(partition)
    if (log === undefined) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${partitionKey(partition)} has no log`)
    return log
  }
}

function isTruncating({ phase, delayedUntilMs }: PartitionFetchState, nowMs: number): boolean {
  return phase === 'truncating' && delayedUntilMs <= nowMs
}
