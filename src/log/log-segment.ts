import { batches } from '../protocol/records/batches.ts'
import { RecordsError } from '../protocol/records/errors.ts'
import { readInt64 } from '../protocol/records/int64.ts'
import { BATCH_OVERHEAD, MAX_TIMESTAMP_AT } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { DiskFile } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type BatchPosition, findBatch, type ScannedBatch, scanBatches, scanChunks } from './batch-scanner.ts'
import type { LogConfig } from './log-config.ts'
import { CorruptIndexError } from './log-errors.ts'
import {
  CLEANED_FILE_SUFFIX,
  filenamePrefixFromOffset,
  INDEX_FILE_SUFFIX,
  joinPath,
  LOG_FILE_SUFFIX,
  SEGMENT_FILE_SUFFIXES,
  TIME_INDEX_FILE_SUFFIX,
} from './log-file-utils.ts'
import { OffsetIndex } from './offset-index.ts'
import { TimeIndex, type TimestampOffset, UNKNOWN_TIMESTAMP_OFFSET } from './time-index.ts'

const MAX_RELATIVE_OFFSET = 2_147_483_647
const EMPTY = Buffer.alloc(0)

export interface SegmentRead {
  /** Where the batch that holds the first wanted offset begins. */
  readonly startPosition: number
  /** From that batch on; the last batch may be cut off. */
  readonly records: Buffer
  /** The first batch did not fit and was cut off. */
  readonly firstEntryIncomplete: boolean
}

/** What a segment is about to take, for the decision to roll. */
export interface RollParams {
  readonly maxTimestamp: number
  readonly maxOffset: number
  readonly sizeBytes: number
  readonly nowMs: number
}

/**
 * A stretch of a log: a file of batches from a base offset on, with its two indexes (Kafka's LogSegment). Changes are
 * made under the log's lock; reads need none, since `size` grows only after an append has finished.
 */
export class LogSegment {
  readonly baseOffset: number
  readonly #runtime: Runtime
  #config: LogConfig
  readonly #file: DiskFile
  readonly #offsetIndex: OffsetIndex
  readonly #timeIndex: TimeIndex
  #directory: string
  #suffix: string
  #size: number
  /** Finished changes of the file, and how many of them are on the platter. */
  #changes = 0
  #flushedChanges: number
  #createdMs: number
  #bytesSinceLastIndexEntry = 0
  /** Timestamp of the first batch, which the segment's age counts from; undefined until known. */
  #rollingBasedTimestamp: number | undefined
  #maxTimestampSoFar: TimestampOffset = UNKNOWN_TIMESTAMP_OFFSET
  #activeUses = 0
  #closed = false
  #closeWhenUnused = false

  private constructor(
    runtime: Runtime,
    directory: string,
    baseOffset: number,
    config: LogConfig,
    file: DiskFile,
    offsetIndex: OffsetIndex,
    timeIndex: TimeIndex,
    suffix: string,
  ) {
    this.#runtime = runtime
    this.#directory = directory
    this.baseOffset = baseOffset
    this.#config = config
    this.#file = file
    this.#offsetIndex = offsetIndex
    this.#timeIndex = timeIndex
    this.#suffix = suffix
    this.#size = file.size
    // An earlier process may have left its bytes in the page cache only.
    this.#flushedChanges = file.size > 0 ? -1 : 0
    this.#createdMs = runtime.clock.wallMs()
  }

  /**
   * Opens or makes the three files. `tornIndex`: an index had half an entry at its end; the segment needs recovery.
   * @param suffix at the end of the files' names, as `changeFileSuffixes` has it
   */
  static async open(
    runtime: Runtime,
    directory: string,
    baseOffset: number,
    config: LogConfig,
    suffix = '',
  ): Promise<{ segment: LogSegment; tornIndex: boolean }> {
    const path = joinPath(directory, filenamePrefixFromOffset(baseOffset))
    const { disk } = runtime
    const file = await disk.open(path + LOG_FILE_SUFFIX + suffix, { create: true })
    const maxIndexBytes = config.segmentIndexBytes
    const offsets = await OffsetIndex.open(disk, path + INDEX_FILE_SUFFIX + suffix, baseOffset, maxIndexBytes)
    const times = await TimeIndex.open(disk, path + TIME_INDEX_FILE_SUFFIX + suffix, baseOffset, maxIndexBytes)
    const segment = new LogSegment(runtime, directory, baseOffset, config, file, offsets.index, times.index, suffix)
    return { segment, tornIndex: offsets.torn || times.torn }
  }

  /** An empty segment for compaction to write, under names that do not belong to the log yet. */
  static async createCleaned(
    runtime: Runtime,
    directory: string,
    baseOffset: number,
    config: LogConfig,
  ): Promise<LogSegment> {
    const path = joinPath(directory, filenamePrefixFromOffset(baseOffset))
    // What an earlier attempt left.
    for (const suffix of SEGMENT_FILE_SUFFIXES) await runtime.disk.remove(path + suffix + CLEANED_FILE_SUFFIX)
    return (await LogSegment.open(runtime, directory, baseOffset, config, CLEANED_FILE_SUFFIX)).segment
  }

  /** Bytes of finished appends. */
  get size(): number {
    return this.#size
  }

  get offsetIndex(): OffsetIndex {
    return this.#offsetIndex
  }

  get timeIndex(): TimeIndex {
    return this.#timeIndex
  }

  /** The largest timestamp and the last offset of the batch that has it; (-1, -1) when there is none. */
  get maxTimestampSoFar(): TimestampOffset {
    return this.#maxTimestampSoFar
  }

  /** The largest timestamp in milliseconds, the time of creation when no record has one. */
  get largestTimestamp(): number {
    return this.#maxTimestampSoFar.timestamp >= 0 ? this.#maxTimestampSoFar.timestamp : this.#createdMs
  }

  /** Timestamp of the first batch; undefined when there is none. */
  get firstBatchTimestamp(): number | undefined {
    return this.#rollingBasedTimestamp
  }

  toString(): string {
    return joinPath(this.#directory, filenamePrefixFromOffset(this.baseOffset))
  }

  /**
   * Adds whole batches whose offsets continue this segment. When it rejects, an unknown part of the bytes may stand in the
   * file; `size` does not count them, and nothing more may be appended.
   */
  async append(largestOffset: number, records: Buffer): Promise<void> {
    if (!this.canConvertToRelativeOffset(largestOffset)) {
      throw new RangeError(`offset ${largestOffset} is too far from the base offset of segment ${this}`)
    }
    await this.#file.append(records)
    this.#changes++
    let position = this.#size
    for (const batch of batches(records)) {
      if (position === 0) this.#rollingBasedTimestamp = batch.maxTimestamp
      this.#noteTimestamp(batch)
      if (this.#bytesSinceLastIndexEntry > this.#config.indexIntervalBytes) await this.#addIndexEntry(batch, position)
      position += batch.sizeInBytes
      this.#bytesSinceLastIndexEntry += batch.sizeInBytes
    }
    this.#size = position
  }

  /**
   * Batches from the one that holds `startOffset` (or the first after it) on, at most `maxSize` bytes and not beyond
   * `maxPosition`; null when there is none up to there.
   * @param minOneMessage the first batch comes whole even when it is larger than `maxSize` (KIP-74)
   */
  async read(
    startOffset: number,
    maxSize: number,
    maxPosition: number = this.#size,
    minOneMessage = false,
  ): Promise<SegmentRead | null> {
    const end = Math.min(maxPosition, this.#size)
    return this.#using(async () => {
      // One read serves both the search for the first batch and, most times, the answer.
      const from = this.#offsetIndex.lookup(startOffset).position
      const guess = Math.min(end - from, Math.max(maxSize, BATCH_OVERHEAD) + this.#config.indexIntervalBytes)
      const chunk = guess > 0 ? await this.#file.read(from, guess) : EMPTY
      const start = await findBatch(this.#file, {
        offset: startOffset,
        from,
        end,
        chunk,
        stepBytes: this.#config.indexIntervalBytes,
      })
      if (start === null) return null
      const wanted = minOneMessage ? Math.max(maxSize, start.sizeBytes) : maxSize
      const length = Math.max(0, Math.min(end - start.position, wanted))
      const offsetInChunk = start.position - from
      const records =
        offsetInChunk + length <= chunk.length
          ? chunk.subarray(offsetInChunk, offsetInChunk + length)
          : await this.#file.read(start.position, length)
      return { startPosition: start.position, records, firstEntryIncomplete: wanted < start.sizeBytes }
    })
  }

  /** Where the first batch whose last offset is `offset` or above begins; null when there is none. */
  translateOffset(offset: number): Promise<BatchPosition | null> {
    return this.#using(() => {
      const from = this.#offsetIndex.lookup(offset).position
      return findBatch(this.#file, {
        offset,
        from,
        end: this.#size,
        chunk: EMPTY,
        stepBytes: this.#config.indexIntervalBytes,
      })
    })
  }

  /** The offset after the last record, the base offset when there is none. */
  async readNextOffset(): Promise<number> {
    let nextOffset = this.baseOffset
    const from = this.#offsetIndex.lookup(this.#offsetIndex.lastOffset).position
    for await (const { batch } of this.scan(from)) nextOffset = batch.nextOffset
    return nextOffset
  }

  /** All whole batches from a position on where one begins; throws `CorruptRecordError` at bytes that are none. */
  scan(from = 0): AsyncGenerator<ScannedBatch> {
    return scanBatches(this.#file, from, this.#size)
  }

  /** As `scan` over the whole segment, the batches of one read at a time. */
  scanChunks(from: number, chunkBytes: number): AsyncGenerator<readonly ScannedBatch[]> {
    return scanChunks(this.#file, from, this.#size, chunkBytes)
  }

  /** Whether taking more would break one of the segment's bounds: size, age, index size, offset range. */
  shouldRoll({ maxTimestamp, maxOffset, sizeBytes, nowMs }: RollParams): boolean {
    const config = this.#config
    if (this.#size > config.segmentBytes - sizeBytes) return true
    if (this.#size > 0 && this.#timeWaitedForRoll(nowMs, maxTimestamp) > config.segmentMs) return true
    return this.#offsetIndex.isFull || this.#timeIndex.isFull || !this.canConvertToRelativeOffset(maxOffset)
  }

  canConvertToRelativeOffset(offset: number): boolean {
    const relative = offset - this.baseOffset
    return relative >= 0 && relative <= MAX_RELATIVE_OFFSET
  }

  /**
   * Reads what a restarted broker must know of a segment that needs no recovery: its largest timestamp and its age.
   * Throws `CorruptIndexError` when an index does not fit the file.
   */
  async load(): Promise<void> {
    this.#offsetIndex.sanityCheck(this.#size)
    this.#timeIndex.sanityCheck()
    await this.#loadTimestamps()
  }

  /**
   * Checks every batch, cuts the file off at the first that is not sound, and rebuilds the indexes (Kafka's
   * LogSegment.recover). Returns how many bytes were cut off.
   * @param onBatch called with each sound batch
   */
  async recover(onBatch: (batch: RecordBatchView) => void): Promise<number> {
    await this.#offsetIndex.reset()
    await this.#timeIndex.reset()
    this.#maxTimestampSoFar = UNKNOWN_TIMESTAMP_OFFSET
    this.#bytesSinceLastIndexEntry = 0
    let validBytes = 0
    let nextOffset = this.baseOffset
    try {
      for await (const { batch, position } of this.scan()) {
        if (!batch.isValidCrc() || batch.baseOffset < nextOffset || batch.lastOffsetDelta < 0) break
        if (!this.canConvertToRelativeOffset(batch.lastOffset)) break
        nextOffset = batch.nextOffset
        if (position === 0) this.#rollingBasedTimestamp = batch.maxTimestamp
        this.#noteTimestamp(batch)
        if (this.#bytesSinceLastIndexEntry > this.#config.indexIntervalBytes) await this.#addIndexEntry(batch, position)
        this.#bytesSinceLastIndexEntry += batch.sizeInBytes
        validBytes = position + batch.sizeInBytes
        onBatch(batch)
      }
    } catch (error) {
      if (!(error instanceof RecordsError)) throw error
    }
    const truncated = this.#size - validBytes
    await this.#truncateFile(validBytes)
    await this.#timeIndex.maybeAppend(this.#maxTimestampSoFar, true)
    return truncated
  }

  /** Drops the batches that hold `offset` or anything above. Returns how many bytes were cut off. */
  async truncateTo(offset: number): Promise<number> {
    const mapping = await this.translateOffset(offset)
    await this.#offsetIndex.truncateTo(offset)
    await this.#timeIndex.truncateTo(offset)
    const sizeBefore = this.#size
    if (mapping !== null) await this.#truncateFile(mapping.position)
    this.#bytesSinceLastIndexEntry = 0
    if (this.#size === 0) this.#createdMs = this.#runtime.clock.wallMs()
    await this.#loadTimestamps()
    return sizeBefore - this.#size
  }

  /** The segment takes no more records: its largest timestamp goes to the time index. */
  onBecomeInactiveSegment(): Promise<void> {
    return this.#timeIndex.maybeAppend(this.#maxTimestampSoFar, true)
  }

  /**
   * The first record with a timestamp of `timestamp` or later and an offset of `startingOffset` or above; undefined when
   * there is none.
   */
  async findOffsetByTimestamp(timestamp: number, startingOffset: number): Promise<FoundTimestamp | undefined> {
    if (this.#closed) return undefined
    const { offset } = this.#timeIndex.lookup(timestamp)
    const from = this.#offsetIndex.lookup(Math.max(offset, startingOffset)).position
    return this.#using(async () => {
      for await (const { batch } of this.scan(from)) {
        if (batch.maxTimestamp < timestamp) continue
        for (const record of batch.records()) {
          if (record.timestamp >= timestamp && record.offset >= startingOffset) {
            return { offset: record.offset, timestamp: record.timestamp, leaderEpoch: batch.partitionLeaderEpoch }
          }
        }
      }
      return undefined
    })
  }

  /** Forces file and indexes to the platter, as far as they have changed since the last time. */
  async flush(): Promise<void> {
    if (this.#closed) return
    await this.#using(async () => {
      const changes = this.#changes
      if (changes !== this.#flushedChanges) {
        await this.#file.sync()
        this.#flushedChanges = Math.max(this.#flushedChanges, changes)
      }
      await this.#offsetIndex.flush()
      await this.#timeIndex.flush()
    })
  }

  /** Closes the files, once reads and flushes under way have finished. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#activeUses > 0) {
      this.#closeWhenUnused = true
      return
    }
    await this.#file.close()
    await this.#offsetIndex.close()
    await this.#timeIndex.close()
  }

  /** Renames the files: `…log` to `…log.deleted`. */
  async changeFileSuffixes(suffix: string): Promise<void> {
    const from = this.paths
    this.#suffix = suffix
    const to = this.paths
    for (const [index, path] of from.entries()) await this.#runtime.disk.rename(path, to[index] ?? path)
  }

  /** Paths of the log file and of its indexes. */
  get paths(): readonly string[] {
    const path = joinPath(this.#directory, filenamePrefixFromOffset(this.baseOffset))
    return SEGMENT_FILE_SUFFIXES.map(suffix => path + suffix + this.#suffix)
  }

  /** This segment stands for another one now: without timestamps in its records it counts as old as that. */
  inheritAge(other: LogSegment): void {
    this.#createdMs = other.#createdMs
  }

  /** The topic's configuration was changed; what is appended from now on follows it. */
  updateConfig(config: LogConfig): void {
    this.#config = config
  }

  /** The partition's directory was renamed. */
  updateParentDir(directory: string): void {
    this.#directory = directory
  }

  async deleteFiles(): Promise<void> {
    await this.close()
    for (const path of this.paths) await this.#runtime.disk.remove(path)
  }

  /** Keeps the files open while `body` runs. */
  async #using<T>(body: () => Promise<T>): Promise<T> {
    this.#activeUses++
    try {
      return await body()
    } finally {
      this.#activeUses--
      if (this.#activeUses === 0 && this.#closeWhenUnused) await this.close()
    }
  }

  #noteTimestamp(batch: RecordBatchView): void {
    const timestamp = batch.maxTimestamp
    if (timestamp > this.#maxTimestampSoFar.timestamp) this.#maxTimestampSoFar = { timestamp, offset: batch.lastOffset }
  }

  async #addIndexEntry(batch: RecordBatchView, position: number): Promise<void> {
    if (!this.#offsetIndex.isFull) await this.#offsetIndex.append(batch.lastOffset, position)
    await this.#timeIndex.maybeAppend(this.#maxTimestampSoFar)
    this.#bytesSinceLastIndexEntry = 0
  }

  /** Milliseconds the segment has been filling, by the records' own timestamps where they have any. */
  #timeWaitedForRoll(nowMs: number, maxTimestamp: number): number {
    const first = this.#rollingBasedTimestamp
    return first !== undefined && first >= 0 ? maxTimestamp - first : nowMs - this.#createdMs
  }

  async #loadTimestamps(): Promise<void> {
    const lastEntry = this.#timeIndex.lastEntry
    this.#maxTimestampSoFar = lastEntry.timestamp < 0 ? UNKNOWN_TIMESTAMP_OFFSET : lastEntry
    for await (const { batch } of this.scan(this.#offsetIndex.lookup(lastEntry.offset).position)) {
      this.#noteTimestamp(batch)
    }
    this.#rollingBasedTimestamp = undefined
    if (this.#size < BATCH_OVERHEAD) return
    const header = await this.#file.read(0, BATCH_OVERHEAD)
    this.#rollingBasedTimestamp = readInt64(header, MAX_TIMESTAMP_AT, 'maxTimestamp')
  }

  async #truncateFile(sizeBytes: number): Promise<void> {
    if (sizeBytes >= this.#file.size) return
    this.#size = sizeBytes
    await this.#file.truncate(sizeBytes)
    this.#changes++
  }
}

export interface FoundTimestamp {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
}

/** A segment's indexes must be rebuilt when this is thrown while loading it. */
export function needsRecovery(error: unknown): boolean {
  return error instanceof CorruptIndexError || error instanceof RecordsError
}
