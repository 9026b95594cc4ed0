import { NO_TIMESTAMP } from '../protocol/records/layout.ts'
import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { AppendOrigin } from './append-origin.ts'
import { HighWatermark } from './high-watermark.ts'
import type { EpochAndOffset, LeaderEpochFileCache } from './leader-epoch-file-cache.ts'
import type { FetchDataInfo, LocalLog } from './local-log.ts'
import type { LogAppendInfo } from './log-append-info.ts'
import { LogAppender } from './log-appender.ts'
import type { LogConfig } from './log-config.ts'
import type { LogDirFailureChannel } from './log-dir-failure-channel.ts'
import { InconsistentTopicIdError, OffsetOutOfRangeError } from './log-errors.ts'
import { parentPath } from './log-file-utils.ts'
import { LogGuard } from './log-guard.ts'
import { lookupOffset, type TimestampAndOffset } from './log-offset-lookup.ts'
import type { LogOffsetMetadata } from './log-offset-metadata.ts'
import { type LogParts, loadLogParts, type UnifiedLogOptions } from './log-parts.ts'
import { deletableSegments } from './log-retention.ts'
import type { LogSegment } from './log-segment.ts'
import { assignOffsets, checkReplicated } from './log-validator.ts'
import { PartitionMetadataFile } from './partition-metadata-file.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'
import { rebuildProducerState } from './rebuild-producer-state.ts'

/** Up to where a read may see (Kafka's FetchIsolation): followers, consumers, consumers of committed transactions. */
export type FetchIsolation = 'log-end' | 'high-watermark' | 'txn-committed'

/**
 * One partition's log (Kafka's UnifiedLog): segments, leader epochs, producer state and the offsets that bound it.
 *
 * One lock is held around everything that changes the log. Reads take no lock: they see an append only when it is complete,
 * since the end offset and the segment's size move after the bytes are written. A disk error in any operation takes the
 * whole log directory offline before the error is seen by anyone; from then on every change is refused, because bytes of
 * unknown extent may stand after the end offset.
 */
export class UnifiedLog {
  readonly topicPartition: TopicPartition
  /** `orders-0`. */
  readonly name: string
  readonly leaderEpochCache: LeaderEpochFileCache
  readonly producerStateManager: ProducerStateManager
  /** Bytes that recovery cut off when the log was opened. */
  readonly truncatedBytes: number
  readonly #runtime: Runtime
  readonly #local: LocalLog
  readonly #failureChannel: LogDirFailureChannel
  readonly #parentDir: string
  readonly #guard: LogGuard
  readonly #appender: LogAppender
  #topicId: string | undefined
  #logStartOffset: number
  readonly #highWatermark: HighWatermark

  private constructor(runtime: Runtime, options: UnifiedLogOptions, parts: LogParts) {
    this.#runtime = runtime
    this.topicPartition = options.topicPartition
    this.name = partitionKey(options.topicPartition)
    this.#local = parts.local
    this.leaderEpochCache = parts.leaderEpochCache
    this.producerStateManager = parts.producerStateManager
    this.truncatedBytes = parts.truncatedBytes
    this.#failureChannel = options.failureChannel
    this.#parentDir = parentPath(options.directory)
    this.#guard = new LogGuard(runtime, {
      name: this.name,
      directory: options.directory,
      parentDir: this.#parentDir,
      failureChannel: options.failureChannel,
      log: parts.local,
    })
    this.#appender = new LogAppender(runtime, {
      name: this.name,
      local: parts.local,
      leaderEpochCache: parts.leaderEpochCache,
      producerStateManager: parts.producerStateManager,
      scheduler: options.scheduler,
      guard: this.#guard,
    })
    this.#topicId = parts.topicId
    this.#logStartOffset = parts.logStartOffset
    this.#highWatermark = new HighWatermark(this, parts.logStartOffset)
  }

  /**
   * Opens a log, recovering it unless the last shutdown was clean. Rejects with `InconsistentTopicIdError` when the
   * directory belongs to another topic, and with `DiskError`, which it does not report itself.
   */
  static async open(runtime: Runtime, options: UnifiedLogOptions): Promise<UnifiedLog> {
    return new UnifiedLog(runtime, options, await loadLogParts(runtime, options))
  }

  get config(): LogConfig {
    return this.#local.config
  }

  /** The partition's directory. */
  get directory(): string {
    return this.#local.directory
  }

  /** The log directory that holds it, one of `log.dirs`. */
  get parentDir(): string {
    return this.#parentDir
  }

  get topicId(): string | undefined {
    return this.#topicId
  }

  /** Notes which topic the log belongs to. Throws `InconsistentTopicIdError` when it belongs to another one. */
  async assignTopicId(topicId: string): Promise<void> {
    if (this.#topicId === topicId) return
    if (this.#topicId !== undefined) throw new InconsistentTopicIdError(this.directory, this.#topicId, topicId)
    await this.#guard.guarded('note the topic id', () =>
      new PartitionMetadataFile(this.#runtime, this.directory).write(topicId),
    )
    this.#topicId = topicId
  }

  /** The first offset that readers may see. */
  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#local.logEndOffset
  }

  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#local.logEndOffsetMetadata
  }

  /** Records below are committed: on all in-sync replicas, and visible to consumers. */
  get highWatermark(): number {
    return this.#highWatermark.offset
  }

  /** The high watermark, and where it lies if that is known. */
  get highWatermarkMetadata(): LogOffsetMetadata {
    return this.#highWatermark.metadata
  }

  /** Records below are visible to consumers of committed transactions. */
  get lastStableOffset(): number {
    return this.#highWatermark.offset
  }

  /** Everything below is on the platter. */
  get recoveryPoint(): number {
    return this.#local.recoveryPoint
  }

  /** Wall time of the last flush. */
  get lastFlushedMs(): number {
    return this.#local.lastFlushedMs
  }

  get unflushedMessages(): number {
    return this.#local.unflushedMessages
  }

  get sizeInBytes(): number {
    return this.#local.segments.sizeInBytes
  }

  get numberOfSegments(): number {
    return this.#local.segments.size
  }

  /** The newest leader epoch that wrote to the log; undefined when none did. */
  get latestEpoch(): number | undefined {
    return this.leaderEpochCache.latestEpoch
  }

  /** The high watermark and where it lies. */
  fetchHighWatermarkMetadata(): Promise<LogOffsetMetadata> {
    return this.#highWatermark.locate(offset => {
      return this.#guard.guarded('look up the high watermark', () => this.#local.convertToOffsetMetadata(offset))
    })
  }

  /** Where an offset of the log lies. */
  convertToOffsetMetadata(offset: number): Promise<LogOffsetMetadata> {
    return this.#guard.guarded('look up an offset', () => this.#local.convertToOffsetMetadata(offset))
  }

  /**
   * Moves the high watermark, forth or back, to an offset within the log: what lies outside counts as the nearest bound.
   * Returns the new high watermark.
   */
  updateHighWatermark(to: number | LogOffsetMetadata): number {
    return this.#highWatermark.update(to)
  }

  /** Moves the high watermark forth, never back. Returns whether it moved. Throws RangeError beyond the log's end. */
  maybeIncrementHighWatermark(to: LogOffsetMetadata): boolean {
    return this.#highWatermark.maybeIncrement(to)
  }

  /** The topic's configuration was changed. */
  updateConfig(config: LogConfig): void {
    this.#local.config = config
  }

  /** Notes that the log's next records belong to a new leader epoch. */
  async assignEpochStartOffset(leaderEpoch: number, startOffset: number): Promise<void> {
    await this.#guard.locked('note a leader epoch', () => this.leaderEpochCache.assign(leaderEpoch, startOffset))
  }

  /** See `LeaderEpochFileCache.endOffsetFor`. */
  endOffsetForEpoch(leaderEpoch: number): EpochAndOffset {
    return this.leaderEpochCache.endOffsetFor(leaderEpoch, this.logEndOffset)
  }

  /**
   * Appends batches as the partition's leader: gives them offsets, checks them, recognises batches that a producer repeats.
   * With `flush.messages` reached, they are on the platter when it resolves.
   *
   * Rejects, leaving the log as it was, with the errors of `assignOffsets`, `RecordBatchTooLargeError`,
   * `OutOfOrderSequenceError`, `InvalidProducerEpochError`; with `KafkaStorageError` the outcome is unknown.
   */
  appendAsLeader(records: Buffer, leaderEpoch: number, origin: AppendOrigin = 'client'): Promise<LogAppendInfo> {
    return this.#guard.locked('append', async () => {
      const { config } = this
      const nowMs = this.#runtime.clock.wallMs()
      const nextOffset = this.logEndOffset
      const prepared = assignOffsets(records, { where: this.name, config, origin, leaderEpoch, nextOffset, nowMs })
      const logAppendTime = config.messageTimestampType === 'LogAppendTime' ? nowMs : NO_TIMESTAMP
      return this.#appender.append(prepared, origin, logAppendTime, this.#logStartOffset)
    })
  }

  /**
   * Appends what a follower copied from the leader of `leaderEpoch`, as it is. Rejects with the errors of
   * `checkReplicated`, or `KafkaStorageError`.
   */
  appendAsFollower(records: Buffer, leaderEpoch: number): Promise<LogAppendInfo> {
    return this.#guard.locked('append', async () => {
      const prepared = checkReplicated(records, this.name, leaderEpoch, this.logEndOffset)
      return this.#appender.append(prepared, 'replication', NO_TIMESTAMP, this.#logStartOffset)
    })
  }

  /**
   * Batches from the one that holds `startOffset` on, as far as `isolation` lets see.
   * @param minOneMessage the first batch comes whole even when it is larger than `maxLength` (KIP-74)
   * @throws OffsetOutOfRangeError outside the log
   */
  async read(
    startOffset: number,
    maxLength: number,
    isolation: FetchIsolation,
    minOneMessage: boolean,
  ): Promise<FetchDataInfo> {
    if (startOffset < this.#logStartOffset) {
      throw new OffsetOutOfRangeError(startOffset, `${this.name} begins at ${this.#logStartOffset}`)
    }
    const atEnd = isolation === 'log-end'
    const upperBound = atEnd ? this.logEndOffsetMetadata : await this.fetchHighWatermarkMetadata()
    return this.#guard.guarded('read', () => this.#local.read(startOffset, maxLength, minOneMessage, upperBound))
  }

  /** The offset for a timestamp or one of ListOffsets' special ones; undefined when there is none. */
  fetchOffsetByTimestamp(timestamp: number): Promise<TimestampAndOffset | undefined> {
    const { logStartOffset, logEndOffset, leaderEpochCache } = this
    const { segments } = this.#local
    return this.#guard.guarded('look up a timestamp', () => {
      return lookupOffset({ segments, leaderEpochCache, logStartOffset, logEndOffset }, timestamp)
    })
  }

  /** Forces everything to the platter. Appends may go on meanwhile. */
  flush(): Promise<void> {
    return this.#guard.guarded('flush', () => this.#local.flush(this.logEndOffset))
  }

  /** Starts a new segment. */
  roll(): Promise<void> {
    return this.#guard.locked('roll', async () => {
      await this.#appender.roll(0)
    })
  }

  /**
   * Makes `newLogStartOffset` the first visible offset if it is above the present one. Returns whether it was. Throws
   * `OffsetOutOfRangeError` above the high watermark.
   */
  maybeIncrementLogStartOffset(newLogStartOffset: number): Promise<boolean> {
    return this.#guard.locked('move the log start offset', () => this.#moveLogStartOffset(newLogStartOffset))
  }

  /** Deletes what retention lets go. Returns how many segments went. */
  deleteOldSegments(): Promise<number> {
    return this.#guard.locked('delete old segments', async () => {
      const { segments } = this.#local
      const deletable = deletableSegments({
        segments,
        config: this.config,
        logStartOffset: this.#logStartOffset,
        logEndOffset: this.logEndOffset,
        highWatermark: this.highWatermark,
        nowMs: this.#runtime.clock.wallMs(),
      })
      if (deletable.length === 0) return 0
      if (deletable.length === segments.size) await this.#appender.roll(0)
      const firstKept = segments.higher(deletable.at(-1)?.baseOffset ?? 0)
      if (firstKept !== undefined) await this.#moveLogStartOffset(firstKept.baseOffset)
      await this.#local.deleteSegments(deletable, true)
      for (const segment of deletable) await this.producerStateManager.removeSnapshotAt(segment.baseOffset)
      return deletable.length
    })
  }

  /** The segments that may hold offsets from `from` on, below `to`; none when these are the same. */
  segmentsBetween(from: number, to: number): LogSegment[] {
    return from === to ? [] : this.#local.segments.valuesBetween(from, to)
  }

  /**
   * Puts a segment that compaction has written, and flushed, in the place of those it was made of, which the caller keeps
   * from being deleted or truncated meanwhile.
   */
  replaceSegments(cleaned: LogSegment, replaced: readonly LogSegment[]): Promise<void> {
    return this.#guard.locked('replace segments', async () => {
      const gone = await this.#local.replaceSegments(cleaned, replaced)
      for (const segment of gone) await this.producerStateManager.removeSnapshotAt(segment.baseOffset)
    })
  }

  /** The offset of the last record of each producer that is remembered with one. */
  lastRecordsOfActiveProducers(): ReadonlyMap<number, number> {
    const found = new Map<number, number>()
    for (const [producerId, { lastDataOffset }] of this.producerStateManager.activeProducers) {
      if (lastDataOffset >= 0) found.set(producerId, lastDataOffset)
    }
    return found
  }

  /** Runs a body that works on the segments' files: a disk error in it takes the log directory offline, see `LogGuard`. */
  guarded<T>(what: string, body: () => Promise<T>): Promise<T> {
    return this.#guard.guarded(what, body)
  }

  /** Drops everything from `targetOffset` on. Returns whether anything went. */
  truncateTo(targetOffset: number): Promise<boolean> {
    if (targetOffset < 0) throw new RangeError(`cannot truncate ${this.name} to the negative offset ${targetOffset}`)
    return this.#guard.locked('truncate', async () => {
      if (targetOffset >= this.logEndOffset) {
        // An epoch that began here and never wrote may contradict what a new leader says (KAFKA-10706).
        await this.leaderEpochCache.truncateFromEnd(this.logEndOffset)
        return false
      }
      if (targetOffset < (this.#local.segments.first?.baseOffset ?? 0)) {
        await this.#truncateFully(targetOffset)
        return true
      }
      const deleted = await this.#local.truncateTo(targetOffset)
      for (const segment of deleted) await this.producerStateManager.removeSnapshotAt(segment.baseOffset)
      await this.leaderEpochCache.truncateFromEnd(targetOffset)
      this.#logStartOffset = Math.min(this.#logStartOffset, targetOffset)
      await this.#rebuildProducerState(targetOffset)
      if (this.highWatermark >= targetOffset) this.updateHighWatermark(this.logEndOffsetMetadata)
      return true
    })
  }

  /** Drops everything; the next record gets `newOffset`. */
  truncateFullyAndStartAt(newOffset: number): Promise<void> {
    return this.#guard.locked('truncate', () => this.#truncateFully(newOffset))
  }

  /** Forgets producers that were silent for too long. */
  removeExpiredProducers(): void {
    this.producerStateManager.removeExpiredProducers(this.#runtime.clock.wallMs())
  }

  /** Flushes everything and closes: after it, opening needs no recovery. */
  closeCleanly(): Promise<void> {
    return this.#guard.locked('close', async () => {
      await this.#local.segments.active.onBecomeInactiveSegment()
      await this.#local.flush(this.logEndOffset + 1)
      await this.producerStateManager.takeSnapshot()
      await this.#local.close()
    })
  }

  /** Renames the partition's directory, within its log directory. On the platter when it resolves. */
  renameDirectory(directory: string): Promise<void> {
    return this.#guard.locked('rename', async () => {
      await this.#runtime.disk.rename(this.directory, directory)
      await this.#runtime.disk.syncDirectory(this.#parentDir)
      this.#local.updateDirectory(directory)
      this.producerStateManager.updateParentDir(directory)
    })
  }

  /** Closes the files without flushing: the log is deleted, or its directory is offline. Reads under way may finish. */
  async closeHandlers(): Promise<void> {
    try {
      await this.#local.close()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.#failureChannel.maybeAddOfflineLogDir(this.#parentDir, error)
    }
  }

  /** The segments, for inspection. */
  get segments(): readonly LogSegment[] {
    return this.#local.segments.values()
  }

  async #moveLogStartOffset(newLogStartOffset: number): Promise<boolean> {
    if (newLogStartOffset > this.highWatermark) {
      throw new OffsetOutOfRangeError(
        newLogStartOffset,
        `the log start of ${this.name} cannot pass its high watermark ${this.highWatermark}`,
      )
    }
    if (newLogStartOffset <= this.#logStartOffset) return false
    this.#logStartOffset = newLogStartOffset
    await this.leaderEpochCache.truncateFromStart(newLogStartOffset)
    this.producerStateManager.onLogStartOffsetIncremented(newLogStartOffset)
    return true
  }

  async #truncateFully(newOffset: number): Promise<void> {
    await this.#local.truncateFullyAndStartAt(newOffset)
    await this.leaderEpochCache.clearAndFlush()
    await this.producerStateManager.truncateFullyAndStartAt(newOffset)
    this.#logStartOffset = newOffset
    this.updateHighWatermark(Math.min(this.highWatermark, newOffset))
    await this.#rebuildProducerState(newOffset)
  }

  async #rebuildProducerState(lastOffset: number): Promise<void> {
    await rebuildProducerState(this.producerStateManager, {
      segments: this.#local.segments,
      logStartOffset: this.#logStartOffset,
      lastOffset,
      nowMs: this.#runtime.clock.wallMs(),
      reloadFromCleanShutdown: false,
    })
  }
}
