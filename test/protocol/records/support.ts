import { crc32c } from '@node-rs/crc32'
import { buildBatch, RecordBatchView, type RecordInput } from '../../../src/protocol/records/batch.ts'
import { BATCH_OVERHEAD, RECORD_COUNT_AT } from '../../../src/protocol/records/layout.ts'

export const NOW_MS = 1_700_000_000_000

/** Records with the given values and no key, one millisecond apart. */
export function recordsOf(...values: string[]): RecordInput[] {
  return values.map((value, index) => ({ value: Buffer.from(value), timestamp: NOW_MS + index }))
}

/** A view on a batch with the given values. */
export function viewOf(...values: string[]): RecordBatchView {
  return new RecordBatchView(buildBatch({ records: recordsOf(...values) }), 0)
}

/** A view on a batch whose payload is these very bytes, with a right checksum: what a faulty writer would send. */
export function viewOfPayload(payload: Buffer, recordCount: number, attributes = 0): RecordBatchView {
  const bytes = Buffer.concat([buildBatch({ records: [] }), payload])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt16BE(attributes, 21)
  bytes.writeInt32BE(Math.max(recordCount - 1, 0), 23)
  bytes.writeInt32BE(recordCount, RECORD_COUNT_AT)
  return sealed(bytes)
}

/** A view on a batch after its checksum was made right. */
export function sealed(bytes: Buffer): RecordBatchView {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return new RecordBatchView(bytes, 0)
}

/** The payload of an uncompressed batch. */
export function payloadOf(...values: string[]): Buffer {
  return buildBatch({ records: recordsOf(...values) }).subarray(BATCH_OVERHEAD)
}
