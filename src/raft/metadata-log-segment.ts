import { batchAt } from '../protocol/records/batches.ts'
import { CorruptRecordError } from '../protocol/records/errors.ts'
import { LENGTH_AT, LOG_OVERHEAD } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { DiskFile } from '../runtime/disk.ts'

/** Batches larger than this are never written, and a size beyond it on disk or from a peer is damage. */
export const MAX_BATCH_BYTES = 8 * 1024 * 1024

const SCAN_CHUNK_BYTES = 256 * 1024
const INDEX_INTERVAL_BYTES = 16 * 1024

/** One file of the metadata log, and where in it some of the batches begin. */
export class MetadataLogSegment {
  readonly baseOffset: number
  readonly file: DiskFile
  /** Ascending, every `INDEX_INTERVAL_BYTES` or so. */
  readonly #index: { readonly offset: number; readonly position: number }[] = []

  constructor(baseOffset: number, file: DiskFile) {
    this.baseOffset = baseOffset
    this.file = file
  }

  /** A batch stands at `position`. To be called for every batch, in order. */
  onBatch(baseOffset: number, position: number): void {
    const last = this.#index.at(-1)
    if (last === undefined || position - last.position >= INDEX_INTERVAL_BYTES) {
      this.#index.push({ offset: baseOffset, position })
    }
  }

  /** The batches from the one that holds `offset` on. */
  async *batches(offset: number): AsyncGenerator<{ view: RecordBatchView; position: number }> {
    const start = this.#index.findLast(entry => entry.offset <= offset)?.position ?? 0
    for await (const found of batchesFrom(this.file, start)) {
      if (found.view.nextOffset > offset) yield found
    }
  }

  /** Cuts off the batch that holds `offset` and all after it, and fsyncs. */
  async truncateTo(offset: number): Promise<void> {
    for await (const { position } of this.batches(offset)) {
      while ((this.#index.at(-1)?.position ?? -1) >= position) this.#index.pop()
      await this.file.truncate(position)
      break
    }
    await this.file.sync()
  }
}

/** The whole batches of a file from `start` on, which must begin one. Throws CorruptRecordError at bytes that are none. */
export async function* batchesFrom(
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
