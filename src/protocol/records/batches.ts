import { CorruptRecordError, InvalidRecordError } from './errors.ts'
import { HEADER_SIZE_UP_TO_MAGIC, LENGTH_AT, LOG_OVERHEAD, MAGIC, MAGIC_AT } from './layout.ts'
import { RecordBatchView } from './record-batch-view.ts'

/** Bytes after `batchLength` in the smallest message of any format ever. */
const MIN_LENGTH = 14

/**
 * The complete batches in a buffer, in order; a truncated one at its end ends it silently, as a Fetch response needs it.
 *
 * @throws CorruptRecordError at a size or magic that no batch has
 * @throws InvalidRecordError at a message of format 0 or 1, which Kafka dropped in 4.0
 */
export function* batches(buffer: Buffer): Generator<RecordBatchView> {
  for (let position = 0; ; ) {
    const batch = batchAt(buffer, position)
    if (batch === null) return
    const next = position + batch.sizeInBytes
    yield batch
    position = next
  }
}

/** The batch at a position, or null when the buffer ends before the batch does. Errors as for `batches`. */
export function batchAt(buffer: Buffer, position: number): RecordBatchView | null {
  const remaining = buffer.length - position
  if (remaining < LOG_OVERHEAD) return null
  const length = buffer.readInt32BE(position + LENGTH_AT)
  if (length < MIN_LENGTH) {
    throw new CorruptRecordError(
      `record size ${length} at byte ${position} is less than the smallest possible, ${MIN_LENGTH}`,
    )
  }
  if (remaining < HEADER_SIZE_UP_TO_MAGIC) return null
  const magic = buffer.readInt8(position + MAGIC_AT)
  if (magic === 0 || magic === 1) {
    throw new InvalidRecordError(
      `message of format ${magic} at byte ${position}, only record batches of magic ${MAGIC} are read`,
    )
  }
  if (magic !== MAGIC) throw new CorruptRecordError(`magic ${magic} at byte ${position}, only ${MAGIC} exists`)
  if (remaining < length + LOG_OVERHEAD) return null
  return new RecordBatchView(buffer, position)
}
