import { batches } from './batches.ts'
import { InvalidRecordError, UnsupportedCompressionError } from './errors.ts'
import type { RecordBatchView } from './record-batch-view.ts'

/** The first Produce version whose clients and readers know zstd (KIP-110). */
const ZSTD_SINCE = 7

/**
 * The one batch that a Produce request may carry for a partition.
 *
 * @throws InvalidRecordError for none or several, or another format
 * @throws UnsupportedCompressionError for zstd below Produce 7
 * @throws CorruptRecordError for a size or magic that no batch has
 */
export function produceBatch(records: Buffer | null, apiVersion: number): RecordBatchView {
  let found: RecordBatchView | null = null
  for (const batch of batches(records ?? Buffer.alloc(0))) {
    if (found !== null) {
      throw new InvalidRecordError(
        `Produce requests with version ${apiVersion} may hold one record batch a partition, not more`,
      )
    }
    found = batch
  }
  if (found === null) {
    throw new InvalidRecordError(
      `Produce requests with version ${apiVersion} must have a record batch for every partition`,
    )
  }
  if (apiVersion < ZSTD_SINCE && found.compression === 'zstd') {
    throw new UnsupportedCompressionError(`zstd needs Produce version ${ZSTD_SINCE}, this request has ${apiVersion}`)
  }
  return found
}
