/** The public face of the record batch format; one concept a file beside this one. */
export { batchAt, batches } from './batches.ts'
export { type BatchOptions, buildBatch, type RecordInput } from './build-batch.ts'
export { COMPRESSION_CODECS, type CompressionCodec } from './compression/codec.ts'
export {
  CONTROL_RECORD_TYPES,
  type ControlRecordType,
  decodeControlKey,
  decodeEndTxnMarker,
  encodeControlKey,
  encodeEndTxnMarker,
} from './control-record.ts'
export * from './errors.ts'
export {
  BATCH_OVERHEAD,
  LOG_OVERHEAD,
  MAGIC,
  NO_PARTITION_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  type TimestampType,
} from './layout.ts'
export { produceBatch } from './produce-batch.ts'
export { RecordBatchView, type RecordView } from './record-batch-view.ts'
export type { RecordHeader } from './record-cursor.ts'
export { emptiedBatch, type RetainedRecord, retainRecords } from './rewrite-batch.ts'
export { decrementSequence, incrementSequence } from './sequence.ts'
export { type BatchRules, type ValidatedBatch, validateBatch } from './validate-batch.ts'
