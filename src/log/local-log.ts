import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { KafkaScheduler } from './kafka-scheduler.ts'
import type { LogConfig } from './log-config.ts'
import { KafkaStorageError, OffsetOutOfRangeError } from './log-errors.ts'
import { DELETED_FILE_SUFFIX, SWAP_FILE_SUFFIX } from './log-file-utils.ts'
import { isMessageOffsetOnly, type LogOffsetMetadata, messageOffsetOnly } from './log-offset-metadata.ts'
import { LogSegment } from './log-segment.ts'
import type { LogSegments } from './log-segments.ts'

const EMPTY = Buffer.alloc(0)

/** What a read found (Kafka's FetchDataInfo). */
export interface FetchDataInfo {
  /** The offset asked for, and where its batch begins when that was found. */
  readonly fetchOffsetMetadata: LogOffsetMetadata
  /** Batches from the one that holds the offset on; the last one may be cut off. */
  readonly records: Buffer
  /** The first batch did not fit and was cut off: the caller gives nothing instead. */
  readonly firstEntryIncomplete: boolean
}

export interface LocalLogOptions {
  readonly directory: string
  readonly config: LogConfig
  readonly scheduler: KafkaScheduler
  readonly segments: LogSegments
  readonly recoveryPoint: number
  readonly nextOffsetMetadata: LogOffsetMetadata
  /** Told of disk errors while deleting files in the background. */
  readonly onBackgroundError: (error: unknown) => void
}

/**
 * The segments of one partition and what is done to them: append, read, roll, flush, truncate, delete (Kafka's LocalLog).
 * Its owner holds the log's lock around all changes and turns disk errors into storage errors.
 */
export class LocalLog {
  readonly segments: LogSegments
  readonly #runtime: Runtime
  readonly #scheduler: KafkaScheduler
  readonly #onBackgroundError: (error: unknown) => void
  #directory: string
  #config: LogConfig
  #recoveryPoint: number
  #nextOffsetMetadata: LogOffsetMetadata
  #lastFlushedMs: number
  #closed = false

  constructor(runtime: Runtime, options: LocalLogOptions) {
    this.#runtime = runtime
    this.#directory = options.directory
    this.#config = options.config
    this.#scheduler = options.scheduler
    this.#onBackgroundError = options.onBackgroundError
    this.segments = options.segments
    this.#recoveryPoint = options.recoveryPoint
    this.#nextOffsetMetadata = options.nextOffsetMetadata
    this.#lastFlushedMs = runtime.clock.wallMs()
  }

  get directory(): string {
    return this.#directory
  }

  get config(): LogConfig {
    return this.#config
  }

  set config(config: LogConfig) {
    this.#config = config
    for (const segment of this.segments.values()) segment.updateConfig(config)
  }

  /** The offset that the next record gets. */
  get logEndOffset(): number {
    return this.#nextOffsetMetadata.messageOffset
  }

  get logEndOffsetMetadata(): LogOffsetMetadata {
    return this.#nextOffsetMetadata
  }

  /** Everything below is on the platter. */
  get recoveryPoint(): number {
    return this.#recoveryPoint
  }

  get unflushedMessages(): number {
    return this.logEndOffset - this.#recoveryPoint
  }

  /** Wall time of the last flush. */
  get lastFlushedMs(): number {
    return this.#lastFlushedMs
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Throws `KafkaStorageError` once the log was closed or deleted. */
  checkOpen(): void {
    if (this.#closed) throw new KafkaStorageError(`the log in ${this.#directory} is closed`)
  }

  /** Appends whole batches that end at `lastOffset` to the active segment. */
  async append(lastOffset: number, records: Buffer): Promise<void> {
    await this.segments.active.append(lastOffset, records)
    this.updateLogEndOffset(lastOffset + 1)
  }

  updateLogEndOffset(offset: number): void {
    const { active } = this.segments
    this.#nextOffsetMetadata = {
      messageOffset: offset,
      segmentBaseOffset: active.baseOffset,
      relativePositionInSegment: active.size,
    }
    if (this.#recoveryPoint > offset) this.#recoveryPoint = offset
  }

  /**
   * Batches from the one that holds `startOffset` on, below `upperBound`. Throws `OffsetOutOfRangeError` when the offset
   * is beyond the end or before the first segment.
   */
  async read(
    startOffset: number,
    maxLength: number,
    minOneMessage: boolean,
    upperBound: LogOffsetMetadata,
  ): Promise<FetchDataInfo> {
    let segment = this.segments.floor(startOffset)
    if (startOffset > this.logEndOffset || segment === undefined) {
      const first = this.segments.first?.baseOffset ?? 0
      throw new OffsetOutOfRangeError(startOffset, `${this.#directory} holds ${first} to ${this.logEndOffset}`)
    }
    if (startOffset >= upperBound.messageOffset) return nothingAt(startOffset, upperBound)
    while (segment !== undefined && segment.baseOffset <= upperBound.segmentBaseOffset) {
      const isLast = segment.baseOffset === upperBound.segmentBaseOffset
      const maxPosition = isLast ? upperBound.relativePositionInSegment : segment.size
      const found = await segment.read(startOffset, maxLength, maxPosition, minOneMessage)
      if (found !== null) {
        return {
          fetchOffsetMetadata: {
            messageOffset: startOffset,
            segmentBaseOffset: segment.baseOffset,
            relativePositionInSegment: found.startPosition,
          },
          records: found.records,
          firstEntryIncomplete: found.firstEntryIncomplete,
        }
      }
      segment = this.#segmentAfter(segment, startOffset)
    }
    return { fetchOffsetMetadata: this.#nextOffsetMetadata, records: EMPTY, firstEntryIncomplete: false }
  }

  /** The place of an offset between the log's first and end offset. */
  async convertToOffsetMetadata(offset: number): Promise<LogOffsetMetadata> {
    if (offset === this.logEndOffset) return this.#nextOffsetMetadata
    for (let segment = this.segments.floor(offset); segment !== undefined; ) {
      const found = await segment.translateOffset(offset)
      if (found !== null) {
        return {
          messageOffset: offset,
          segmentBaseOffset: segment.baseOffset,
          relativePositionInSegment: found.position,
        }
      }
      segment = this.#segmentAfter(segment, offset)
    }
    return messageOffsetOnly(offset)
  }

  /** Starts a new segment at the log's end, or at `expectedNextOffset` if that is later. */
  async roll(expectedNextOffset: number): Promise<LogSegment> {
    const { active } = this.segments
    const newOffset = Math.max(expectedNextOffset, this.logEndOffset)
    if (active.baseOffset === newOffset) {
      // The segment is full without a record, when an index has no room for a single entry: it is replaced.
      if (active.size > 0) throw new Error(`cannot roll ${active} to its own base offset`)
      await this.deleteSegments([active], false)
    } else {
      await active.onBecomeInactiveSegment()
    }
    const { segment } = await LogSegment.open(this.#runtime, this.#directory, newOffset, this.#config)
    this.segments.add(segment)
    this.updateLogEndOffset(this.logEndOffset)
    return segment
  }

  /** Forces everything below `offset` to the platter. Appends may go on meanwhile. */
  async flush(offset: number): Promise<void> {
    const { recoveryPoint } = this
    let newSegments = false
    // From the segment before `offset` on, since its time index got its last entry when it was closed.
    for (const segment of this.segments.valuesBetween(Math.min(recoveryPoint, offset - 1), offset)) {
      await segment.flush()
      if (segment.baseOffset >= recoveryPoint) newSegments = true
    }
    if (newSegments) await this.#syncDirectoryIfExists()
    this.#markFlushed(Math.min(offset, this.logEndOffset))
  }

  /** Drops everything from `targetOffset` on. Returns the segments that went altogether. */
  async truncateTo(targetOffset: number): Promise<readonly LogSegment[]> {
    const deleted = this.segments.values().filter(segment => segment.baseOffset > targetOffset)
    await this.deleteSegments(deleted, true)
    await this.segments.active.truncateTo(targetOffset)
    this.updateLogEndOffset(targetOffset)
    return deleted
  }

  /** Drops everything and starts anew at an offset. Returns the segments that went. */
  async truncateFullyAndStartAt(newOffset: number): Promise<readonly LogSegment[]> {
    const deleted = [...this.segments.values()]
    await this.deleteSegments(deleted, false)
    const { segment } = await LogSegment.open(this.#runtime, this.#directory, newOffset, this.#config)
    this.segments.add(segment)
    this.updateLogEndOffset(newOffset)
    return deleted
  }

  /**
   * Takes segments out of the log. Their files are renamed at once and removed after `file.delete.delay.ms`, for the sake
   * of reads under way, or removed right away.
   */
  async deleteSegments(segments: readonly LogSegment[], later: boolean): Promise<void> {
    for (const segment of segments) this.segments.remove(segment)
    if (!later) {
      for (const segment of segments) await segment.deleteFiles()
      return
    }
    for (const segment of segments) await segment.changeFileSuffixes(DELETED_FILE_SUFFIX)
    if (segments.length === 0) return
    this.#scheduler.schedule('delete-file', () => this.#deleteFiles(segments), this.#config.fileDeleteDelayMs)
  }

  /** A log that is deleted is renamed first, which may come while a flush waits for a slow disk (KAFKA-15572). */
  async #syncDirectoryIfExists(): Promise<void> {
    try {
      await this.#runtime.disk.syncDirectory(this.#directory)
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error
    }
  }

  /**
   * Puts a segment that compaction has written, and flushed, in the place of those it was made of. Whenever the process or
   * the power ends in between, the log is found with either the old segments or the new one: `completeSwap` tells how.
   * Returns the old segments whose base offset is no segment's any more. The caller holds the log's lock.
   */
  async replaceSegments(cleaned: LogSegment, replaced: readonly LogSegment[]): Promise<readonly LogSegment[]> {
    const old = replaced.filter(segment => this.segments.get(segment.baseOffset) === segment)
    await cleaned.changeFileSuffixes(SWAP_FILE_SUFFIX)
    this.segments.replace(old, cleaned)
    await this.deleteSegments(old, true)
    await cleaned.changeFileSuffixes('')
    await this.#runtime.disk.syncDirectory(this.#directory)
    return old.filter(segment => segment.baseOffset !== cleaned.baseOffset)
  }

  updateDirectory(directory: string): void {
    this.#directory = directory
    for (const segment of this.segments.values()) segment.updateParentDir(directory)
  }

  /** Closes the files. Nothing may be done with the log afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const segment of this.segments.values()) await segment.close()
  }

  /** Where to look next for `offset`, when `segment` has nothing at or above it. */
  #segmentAfter(segment: LogSegment, offset: number): LogSegment | undefined {
    // Compaction may have put another one in its place meanwhile, which holds what stood in the segments after it too.
    const replaced = this.segments.get(segment.baseOffset) !== segment
    return replaced ? this.segments.floor(offset) : this.segments.higher(segment.baseOffset)
  }

  async #deleteFiles(segments: readonly LogSegment[]): Promise<void> {
    try {
      for (const segment of segments) await segment.deleteFiles()
    } catch (error) {
      this.#onBackgroundError(error)
    }
  }

  #markFlushed(offset: number): void {
    if (offset <= this.#recoveryPoint) return
    this.#recoveryPoint = offset
    this.#lastFlushedMs = this.#runtime.clock.wallMs()
  }
}

function nothingAt(startOffset: number, upperBound: LogOffsetMetadata): FetchDataInfo {
  const atBound = startOffset === upperBound.messageOffset && !isMessageOffsetOnly(upperBound)
  return {
    fetchOffsetMetadata: atBound ? upperBound : messageOffsetOnly(startOffset),
    records: EMPTY,
    firstEntryIncomplete: false,
  }
}
