import { CorruptRecordError } from '../protocol/records/errors.ts'
import { readInt64 } from '../protocol/records/int64.ts'
import {
  BASE_OFFSET_AT,
  BATCH_OVERHEAD,
  LAST_OFFSET_DELTA_AT,
  LENGTH_AT,
  LOG_OVERHEAD,
  MAGIC,
  MAGIC_AT,
} from '../protocol/records/layout.ts'
import { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { DiskFile } from '../runtime/disk.ts'

/** Bytes read at once while scanning; a larger batch is read whole. */
const CHUNK_BYTES = 256 * 1024

export interface ScannedBatch {
  readonly batch: RecordBatchView
  /** Bytes from the file's beginning. */
  readonly position: number
}

/**
 * The whole batches of a segment file from `start` (where a batch must begin) up to `end`, in order. Ends silently at a
 * batch that is cut off by `end`; throws `CorruptRecordError` at bytes that are no batch, such as zeros. Checksums are the
 * caller's. Memory: one chunk, or one batch where that is larger; a batch is never larger than the rest of the file.
 */
export async function* scanBatches(file: DiskFile, start: number, end: number): AsyncGenerator<ScannedBatch> {
  for await (const chunk of scanChunks(file, start, end, CHUNK_BYTES)) yield* chunk
}

/**
 * As `scanBatches`, but the batches of one read at a time, for callers that do something between two reads.
 * @param chunkBytes bytes to read at once, at least 61
 */
export async function* scanChunks(
  file: DiskFile,
  start: number,
  end: number,
  chunkBytes: number,
): AsyncGenerator<readonly ScannedBatch[]> {
  let position = start
  while (end - position >= BATCH_OVERHEAD) {
    let bytes = await file.read(position, Math.min(chunkBytes, end - position))
    if (bytes.length < BATCH_OVERHEAD) return
    const firstBytes = checkedBatchSize(bytes, 0, `${file.path} at byte ${position}`)
    if (position + firstBytes > end) return
    if (firstBytes > bytes.length) bytes = await file.read(position, firstBytes)
    if (firstBytes > bytes.length) return
    const { batches, sizeInBytes, problem } = parseChunk(file, position, bytes, end)
    yield batches
    if (problem === 'cut off') return
    if (problem !== undefined) throw problem
    position += sizeInBytes
  }
}

interface ParsedChunk {
  readonly batches: readonly ScannedBatch[]
  /** Bytes that these take. */
  readonly sizeInBytes: number
  /** Why there are none after these, unless it is that the chunk ends. */
  readonly problem: CorruptRecordError | 'cut off' | undefined
}

/** The whole batches in a chunk that begins with one. */
function parseChunk(file: DiskFile, position: number, bytes: Buffer, end: number): ParsedChunk {
  const batches: ScannedBatch[] = []
  let offset = 0
  while (bytes.length - offset >= BATCH_OVERHEAD) {
    let sizeBytes: number
    try {
      sizeBytes = checkedBatchSize(bytes, offset, `${file.path} at byte ${position + offset}`)
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error
      return { batches, sizeInBytes: offset, problem: error }
    }
    if (position + offset + sizeBytes > end) return { batches, sizeInBytes: offset, problem: 'cut off' }
    if (offset + sizeBytes > bytes.length) break
    batches.push({ batch: new RecordBatchView(bytes, offset), position: position + offset })
    offset += sizeBytes
  }
  return { batches, sizeInBytes: offset, problem: undefined }
}

export interface BatchPosition {
  readonly position: number
  readonly sizeBytes: number
}

export interface BatchSearch {
  readonly offset: number
  /** A batch begins here. */
  readonly from: number
  readonly end: number
  /** Bytes from `from` on that were read already; may be empty. */
  readonly chunk: Buffer
  /** Bytes to read at once beyond them. */
  readonly stepBytes: number
}

/** The first batch from a position on whose last offset is `offset` or above; null when there is none before `end`. */
export async function findBatch(file: DiskFile, search: BatchSearch): Promise<BatchPosition | null> {
  const { offset, from, end } = search
  let position = from
  let bytes = search.chunk
  let bytesAt = from
  while (end - position >= BATCH_OVERHEAD) {
    let at = position - bytesAt
    if (at + BATCH_OVERHEAD > bytes.length) {
      bytes = await file.read(position, Math.min(end - position, search.stepBytes + BATCH_OVERHEAD))
      bytesAt = position
      at = 0
      if (bytes.length < BATCH_OVERHEAD) return null
    }
    const sizeBytes = checkedBatchSize(bytes, at, `${file.path} at byte ${position}`)
    const lastOffset =
      readInt64(bytes, at + BASE_OFFSET_AT, 'baseOffset') + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)
    if (lastOffset >= offset) return { position, sizeBytes }
    position += sizeBytes
  }
  return null
}

/** The size in bytes of the batch that begins at `offset`, where at least a header stands. */
function checkedBatchSize(bytes: Buffer, offset: number, where: string): number {
  const sizeBytes = bytes.readInt32BE(offset + LENGTH_AT) + LOG_OVERHEAD
  if (sizeBytes < BATCH_OVERHEAD) {
    throw new CorruptRecordError(`${where}: a batch has at least ${BATCH_OVERHEAD} bytes, not ${sizeBytes}`)
  }
  const magic = bytes.readInt8(offset + MAGIC_AT)
  if (magic !== MAGIC) throw new CorruptRecordError(`${where}: batch format ${magic} is unknown, expected ${MAGIC}`)
  return sizeBytes
}
