import { filenamePrefixFromOffset, LOG_FILE_SUFFIX, offsetFromFileName } from '../log/log-file-utils.ts'
import { batchAt } from '../protocol/records/batches.ts'
import { CorruptRecordError, InvalidRecordError } from '../protocol/records/errors.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import { DiskError } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { BatchCache } from './batch-cache.ts'
import { EpochHistory } from './epoch-history.ts'
import { batchesFrom, MetadataLogSegment } from './metadata-log-segment.ts'
import type { OffsetAndEpoch } from './raft-client.ts'
import { compareOffsetAndEpoch, SnapshotFiles } from './snapshot-files.ts'

/** How a fetch position relates to the log (Kafka's ValidOffsetAndEpoch). */
export type ValidOffsetAndEpoch =
  | { readonly kind: 'valid' }
  /** The logs part at the latest here. */
  | { readonly kind: 'diverging'; readonly end: OffsetAndEpoch }
  /** The log no longer reaches back that far; this is the newest snapshot. */
  | { readonly kind: 'snapshot'; readonly id: OffsetAndEpoch }

const VALID: ValidOffsetAndEpoch = { kind: 'valid' }

/**
 * The metadata log's files: segments of record batches, named by their first offset, and snapshots. Offsets are dense from
 * the log's start on and epochs never fall. One thread changes it; others may read.
 */
export class KafkaMetadataLog {
  readonly directory: string
  readonly snapshots: SnapshotFiles
  readonly #runtime: Runtime
  readonly #segmentBytes: number
  readonly #epochs = new EpochHistory()
  readonly #cache = new BatchCache()
  #segments: MetadataLogSegment[] = []
  #startOffset = 0
  #endOffset = 0
  #truncatedBytes = 0
  /** Called when records are about to go, from `toOffset` on, where one that was written in `epoch` stands. Must not throw. */
  onTruncated: ((toOffset: number, epoch: number) => void) | undefined

  private constructor(runtime: Runtime, directory: string, segmentBytes: number) {
    this.#runtime = runtime
    this.directory = directory
    this.#segmentBytes = segmentBytes
    this.snapshots = new SnapshotFiles(runtime, directory)
  }

  /**
   * Opens the log and makes it whole: everything from the first batch on that is not whole, not dense or fails its
   * checksum is cut off, as a crash in the middle of an append leaves it. What remains is fsynced, because a tail that
   * only the page cache held must not be lost after it was read.
   *
   * @param segmentBytes size at which a new file is begun
   */
  static async open(runtime: Runtime, directory: string, segmentBytes: number): Promise<KafkaMetadataLog> {
    const log = new KafkaMetadataLog(runtime, directory, segmentBytes)
    await log.snapshots.load()
    await log.#load()
    await log.truncateToLatestSnapshot()
    return log
  }

  /** The first offset that can be read; above 0 there is a snapshot that ends there. */
  get startOffset(): number {
    return this.#startOffset
  }

  /** One more than the last offset. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Leader epoch of the last record, which may be in the snapshot that the log begins with; 0 when there is none. */
  get lastEpoch(): number {
    const { latest } = this.#epochs
    if (latest !== undefined) return latest
    const snapshot = this.snapshots.latest
    return snapshot?.offset === this.#endOffset ? snapshot.epoch : 0
  }

  /** Bytes that `open` has cut off. */
  get truncatedBytes(): number {
    return this.#truncatedBytes
  }

  /**
   * Adds batches that continue the log. They can be read at once and survive a power failure after `flush`. After a failure
   * the log must not be used any more.
   */
  async append(bytes: Buffer): Promise<void> {
    let segment = this.#active()
    if (segment.file.size > 0 && segment.file.size + bytes.length > this.#segmentBytes) segment = await this.#roll()
    const start = segment.file.size
    await segment.file.append(bytes)
    for (let position = 0; position < bytes.length; ) {
      const view = batchAt(bytes, position)
      if (view === null) {
        throw new CorruptRecordError(`an append to ${segment.file.path} does not end with a whole batch`)
      }
      this.#accept(segment, view, start + position)
      position += view.sizeInBytes
    }
  }

  /** What was appended survives a power failure after it. */
  async flush(): Promise<void> {
    await this.#active().file.sync()
  }

  /**
   * Whole batches from the one that holds `offset` on: about `maxBytes`, but at least one. Empty at the log's end, and when
   * `offset` lies before the log's start (which may have moved meanwhile). The bytes were checked when they were written or
   * recovered.
   */
  read(offset: number, maxBytes: number): readonly RecordBatchView[] | Promise<readonly RecordBatchView[]> {
    if (offset >= this.#endOffset || offset < this.#startOffset) return []
    return this.#cache.read(offset, maxBytes) ?? this.#readFromDisk(offset, maxBytes)
  }

  /** See Kafka's ReplicatedLog.endOffsetForEpoch. */
  endOffsetForEpoch(epoch: number): OffsetAndEpoch {
    const end = this.#epochs.endOffsetFor(epoch, this.#endOffset)
    if (end === undefined) return { offset: this.#endOffset, epoch: this.lastEpoch }
    const { earliest } = this.snapshots
    return earliest?.offset === end.offset && end.epoch === epoch ? earliest : end
  }

  /** Whether a replica that ends at `offset`, with a last record of `epoch`, agrees with this log up to there. */
  validateOffsetAndEpoch(offset: number, epoch: number): ValidOffsetAndEpoch {
    if (this.#startOffset === 0 && offset === 0) return VALID
    const { earliest, latest } = this.snapshots
    if (earliest !== undefined && latest !== undefined) {
      const before = offset < this.#startOffset || epoch < earliest.epoch
      if (before || (offset === this.#startOffset && epoch !== earliest.epoch)) return { kind: 'snapshot', id: latest }
    }
    const end = this.endOffsetForEpoch(epoch)
    return end.epoch !== epoch || end.offset < offset ? { kind: 'diverging', end } : VALID
  }

  /** Where this log has to be cut when the leader says that the logs part at `end`. */
  truncationOffset(end: OffsetAndEpoch): number {
    if (end.epoch === 0) return Math.min(end.offset, this.#endOffset)
    const local = this.endOffsetForEpoch(end.epoch)
    return local.epoch === end.epoch ? Math.min(local.offset, end.offset) : local.offset
  }

  /** Removes the records from `offset` on, for good. */
  async truncateTo(offset: number): Promise<void> {
    if (offset >= this.#endOffset) return
    if (offset < this.#startOffset) {
      throw new RangeError(`${this.directory} begins at ${this.#startOffset}: it cannot be cut at ${offset}`)
    }
    this.onTruncated?.(offset, this.#epochs.epochForOffset(offset) ?? this.lastEpoch)
    this.#endOffset = offset
    this.#epochs.truncateFromEnd(offset)
    this.#cache.truncateFromEnd(offset)
    for (let last = this.#active(); last.baseOffset > offset; last = this.#active()) await this.#removeLast()
    await this.#active().truncateTo(offset)
  }

  /** When the newest snapshot is ahead of the log, the log is emptied and begins where the snapshot ends. Whether it was. */
  async truncateToLatestSnapshot(): Promise<boolean> {
    const id = this.snapshots.latest
    if (id === undefined) return false
    const end = { offset: this.#endOffset, epoch: this.#epochs.latest ?? 0 }
    if (this.#endOffset >= id.offset && (this.#epochs.latest === undefined || compareOffsetAndEpoch(id, end) <= 0)) {
      return false
    }
    this.#startOffset = id.offset
    this.#endOffset = id.offset
    this.#epochs.clear()
    this.#cache.clear()
    while (this.#segments.length > 0) await this.#removeLast()
    await this.#create(id.offset)
    await this.#runtime.disk.syncDirectory(this.directory)
    await this.snapshots.removeBefore(id.offset)
    return true
  }

  /**
   * Lets go of what the newest snapshot but one makes superfluous: older snapshots, and segments that lie wholly before its
   * end. Replicas that are less than a snapshot behind so find what they lack in the log.
   */
  async clean(): Promise<void> {
    // One that was begun before the log was emptied for a newer one may have come late.
    await this.snapshots.removeBefore(this.#startOffset)
    const kept = this.snapshots.previous
    if (kept === undefined || kept.offset <= this.#startOffset) return
    this.#startOffset = kept.offset
    this.#epochs.truncateFromStart(kept.offset)
    await this.snapshots.removeBefore(kept.offset)
    while ((this.#segments[1]?.baseOffset ?? Number.POSITIVE_INFINITY) <= kept.offset) await this.#removeFirst()
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.file.close()
  }

  async #readFromDisk(offset: number, maxBytes: number): Promise<RecordBatchView[]> {
    const segment = this.#segments.findLast(candidate => candidate.baseOffset <= offset)
    if (segment === undefined) throw new RangeError(`${this.directory} does not hold offset ${offset}`)
    const found: RecordBatchView[] = []
    let bytes = 0
    try {
      for await (const { view } of segment.batches(offset)) {
        found.push(view)
        bytes += view.sizeInBytes
        if (bytes >= maxBytes) break
      }
    } catch (error) {
      const removed = error instanceof DiskError && error.code === 'EBADF' && offset < this.#startOffset
      if (!removed) throw error
    }
    return found
  }

  async #load(): Promise<void> {
    const { disk } = this.#runtime
    const bases = (await disk.list(this.directory))
      .map(name => offsetFromFileName(name, LOG_FILE_SUFFIX))
      .filter(offset => offset !== undefined)
      .sort((a, b) => a - b)
    this.#endOffset = bases[0] ?? 0
    let whole = true
    for (const base of bases) {
      const path = this.#path(base)
      const file = await disk.open(path)
      if (whole && base !== this.#endOffset) {
        await file.close()
        throw new CorruptRecordError(`${path} begins at ${base}, but the log before it ends at ${this.#endOffset}`)
      }
      if (!whole) {
        this.#truncatedBytes += file.size
        await file.close()
        await disk.remove(path)
        continue
      }
      whole = await this.#recover(new MetadataLogSegment(base, file))
    }
    await this.#findStart()
    if (this.#segments.length === 0) await this.#create(0)
    else await this.#active().file.sync()
    await disk.syncDirectory(this.directory)
  }

  /** A log whose first records were removed begins at the end of its earliest snapshot. */
  async #findStart(): Promise<void> {
    const base = this.#segments[0]?.baseOffset ?? 0
    if (base === 0) return
    await this.snapshots.removeBefore(base)
    const { earliest } = this.snapshots
    if (earliest === undefined) {
      throw new CorruptRecordError(`${this.directory} begins at ${base}, but no snapshot reaches up to there`)
    }
    this.#startOffset = Math.min(earliest.offset, this.#endOffset)
    this.#epochs.truncateFromStart(this.#startOffset)
  }

  /** Reads a segment through; cuts off what does not belong to the log. Whether it was whole. */
  async #recover(segment: MetadataLogSegment): Promise<boolean> {
    this.#segments.push(segment)
    let end = 0
    try {
      for await (const { view, position } of batchesFrom(segment.file, 0)) {
        if (!view.isValidCrc() || view.baseOffset !== this.#endOffset || view.lastOffset < view.baseOffset) break
        if (view.partitionLeaderEpoch < (this.#epochs.latest ?? 0)) break
        this.#accept(segment, view, position)
        end = position + view.sizeInBytes
      }
    } catch (error) {
      if (!(error instanceof CorruptRecordError || error instanceof InvalidRecordError)) throw error
    }
    if (end === segment.file.size) return true
    this.#truncatedBytes += segment.file.size - end
    await segment.file.truncate(end)
    return false
  }

  #accept(segment: MetadataLogSegment, view: RecordBatchView, position: number): void {
    const { baseOffset } = view
    segment.onBatch(baseOffset, position)
    this.#epochs.onAppend(view.partitionLeaderEpoch, baseOffset)
    this.#cache.push(view)
    this.#endOffset = view.nextOffset
  }

  #active(): MetadataLogSegment {
    const active = this.#segments.at(-1)
    if (active === undefined) throw new Error(`${this.directory} has no segment: the log was not opened`)
    return active
  }

  async #roll(): Promise<MetadataLogSegment> {
    // Only the active segment is ever flushed.
    await this.flush()
    const segment = await this.#create(this.#endOffset)
    await this.#runtime.disk.syncDirectory(this.directory)
    return segment
  }

  async #create(baseOffset: number): Promise<MetadataLogSegment> {
    const file = await this.#runtime.disk.open(this.#path(baseOffset), { create: true })
    const segment = new MetadataLogSegment(baseOffset, file)
    this.#segments.push(segment)
    return segment
  }

  async #removeLast(): Promise<void> {
    await this.#removeSegment(this.#segments.pop())
  }

  async #removeFirst(): Promise<void> {
    await this.#removeSegment(this.#segments.shift())
  }

  /** One at a time: a power failure may keep any of several removals, and must not leave a gap. */
  async #removeSegment(segment: MetadataLogSegment | undefined): Promise<void> {
    if (segment === undefined) return
    await segment.file.close()
    await this.#runtime.disk.remove(segment.file.path)
    await this.#runtime.disk.syncDirectory(this.directory)
  }

  #path(baseOffset: number): string {
    return `${this.directory}/${filenamePrefixFromOffset(baseOffset)}${LOG_FILE_SUFFIX}`
  }
}
