import { filenamePrefixFromOffset, LOG_FILE_SUFFIX, offsetFromFileName } from '../log/log-file-utils.ts'
import { batchAt } from '../protocol/records/batches.ts'
import { CorruptRecordError, InvalidRecordError } from '../protocol/records/errors.ts'
import { LENGTH_AT, LOG_OVERHEAD } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { DiskFile } from '../runtime/disk.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Batches larger than this are never written, and a size beyond it on disk is damage. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024

const SCAN_CHUNK_BYTES = 256 * 1024
const INDEX_INTERVAL_BYTES = 16 * 1024

interface Segment {
  readonly baseOffset: number
  readonly file: DiskFile
  /** Where some of the batches begin, ascending: every `INDEX_INTERVAL_BYTES` or so. */
  readonly index: { readonly offset: number; readonly position: number }[]
}

/**
 * The metadata log's files: segments of record batches, named by their first offset. Offsets are dense from 0 on and
 * epochs never fall. Not safe for overlapping appends.
 */
export class KafkaMetadataLog {
  readonly directory: string
  readonly #runtime: Runtime
  readonly #segmentBytes: number
  readonly #segments: Segment[] = []
  #endOffset = 0
  #lastEpoch = 0
  #truncatedBytes = 0

  private constructor(runtime: Runtime, directory: string, segmentBytes: number) {
    this.#runtime = runtime
    this.directory = directory
    this.#segmentBytes = segmentBytes
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
    await log.#load()
    return log
  }

  /** One more than the last offset. */
  get endOffset(): number {
    return this.#endOffset
  }

  /** Leader epoch of the last batch, 0 when there is none. */
  get lastEpoch(): number {
    return this.#lastEpoch
  }

  /** Bytes that `open` has cut off. */
  get truncatedBytes(): number {
    return this.#truncatedBytes
  }

  /** Adds batches that continue the log, and fsyncs them. After a failure the log must not be used any more. */
  async append(batches: readonly Buffer[]): Promise<void> {
    let segment = this.#active()
    const bytes = batches.length === 1 && batches[0] !== undefined ? batches[0] : Buffer.concat(batches)
    if (segment.file.size > 0 && segment.file.size + bytes.length > this.#segmentBytes) segment = await this.#roll()
    const start = segment.file.size
    await segment.file.append(bytes)
    await segment.file.sync()
    for (let position = 0; position < bytes.length; ) {
      const view = batchAt(bytes, position)
      if (view === null)
        throw new CorruptRecordError(`an append to ${segment.file.path} does not end with a whole batch`)
      this.#accept(segment, view, start + position)
      position += view.sizeInBytes
    }
  }

  /**
   * Whole batches from the one that holds `offset` on: about `maxBytes`, but at least one. Empty at the log's end. The
   * bytes were checked when they were written or recovered.
   */
  async read(offset: number, maxBytes: number): Promise<RecordBatchView[]> {
    if (offset >= this.#endOffset) return []
    const segment = this.#segments.findLast(candidate => candidate.baseOffset <= offset)
    if (segment === undefined) throw new RangeError(`${this.directory} does not hold offset ${offset}`)
    const start = segment.index.findLast(entry => entry.offset <= offset)?.position ?? 0
    const found: RecordBatchView[] = []
    let bytes = 0
    for await (const { view } of batchesFrom(segment.file, start)) {
      if (view.lastOffset < offset) continue
      found.push(view)
      bytes += view.sizeInBytes
      if (bytes >= maxBytes) break
    }
    return found
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.file.close()
  }

  async #load(): Promise<void> {
    const { disk } = this.#runtime
    const bases = (await disk.list(this.directory))
      .map(name => offsetFromFileName(name, LOG_FILE_SUFFIX))
      .filter(offset => offset !== undefined)
      .sort((a, b) => a - b)
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
      whole = await this.#recover({ baseOffset: base, file, index: [] })
    }
    if (this.#segments.length === 0) await this.#create(0)
    else await this.#active().file.sync()
    await disk.syncDirectory(this.directory)
  }

  /** Reads a segment through; cuts off what does not belong to the log. Whether it was whole. */
  async #recover(segment: Segment): Promise<boolean> {
    this.#segments.push(segment)
    let end = 0
    try {
      for await (const { view, position } of batchesFrom(segment.file, 0)) {
        if (!view.isValidCrc() || view.baseOffset !== this.#endOffset || view.lastOffset < view.baseOffset) break
        if (view.partitionLeaderEpoch < this.#lastEpoch) break
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

  #accept(segment: Segment, view: RecordBatchView, position: number): void {
    const last = segment.index.at(-1)
    if (last === undefined || position - last.position >= INDEX_INTERVAL_BYTES) {
      segment.index.push({ offset: view.baseOffset, position })
    }
    this.#endOffset = view.nextOffset
    this.#lastEpoch = view.partitionLeaderEpoch
  }

  #active(): Segment {
    const active = this.#segments.at(-1)
    if (active === undefined) throw new Error(`${this.directory} has no segment: the log was not opened`)
    return active
  }

  async #roll(): Promise<Segment> {
    const segment = await this.#create(this.#endOffset)
    await this.#runtime.disk.syncDirectory(this.directory)
    return segment
  }

  async #create(baseOffset: number): Promise<Segment> {
    const file = await this.#runtime.disk.open(this.#path(baseOffset), { create: true })
    const segment: Segment = { baseOffset, file, index: [] }
    this.#segments.push(segment)
    return segment
  }

  #path(baseOffset: number): string {
    return `${this.directory}/${filenamePrefixFromOffset(baseOffset)}${LOG_FILE_SUFFIX}`
  }
}

/** The whole batches of a file from `start` on, which must begin one. Throws CorruptRecordError at bytes that are none. */
async function* batchesFrom(
  file: DiskFile,
  start: number,
): AsyncGenerator<{ view: RecordBatchView; position: number }> {
  let position = start
  let chunkBytes = SCAN_CHUNK_BYTES
  while (position < file.size) {
    const chunk = await file.read(position, chunkBytes)
    let used = 0
    for (let view = batchAt(chunk, 0); view !== null; view = batchAt(chunk, used)) {
      yield { view, position: position + used }
      used += view.sizeInBytes
    }
    if (used === 0) {
      if (chunk.length < chunkBytes || chunk.length < LOG_OVERHEAD) return
      const needed = LOG_OVERHEAD + chunk.readInt32BE(LENGTH_AT)
      if (needed > MAX_BATCH_BYTES)
        throw new CorruptRecordError(`batch of ${needed} bytes at ${position} of ${file.path}`)
      chunkBytes = needed
    } else {
      chunkBytes = SCAN_CHUNK_BYTES
    }
    position += used
  }
}
