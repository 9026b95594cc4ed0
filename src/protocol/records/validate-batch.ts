import { assembleBatch } from './build-batch.ts'
import type { CompressionCodec } from './compression/codec.ts'
import { DEFAULT_DECOMPRESSION_LIMIT_BYTES } from './compression/codec.ts'
import {
  CorruptRecordError,
  InvalidRecordError,
  InvalidTimestampError,
  MAX_RECORD_ERRORS,
  type RecordError,
} from './errors.ts'
import { NO_TIMESTAMP, type TimestampType } from './layout.ts'
import { RecordBatchView } from './record-batch-view.ts'
import { RecordCursor } from './record-cursor.ts'
import { type RewrittenRecord, recordPayload } from './rewrite-batch.ts'

/** What a topic asks of a produced batch. */
export interface BatchRules {
  /** The broker's wall time in milliseconds. */
  readonly nowMs: number
  /** `message.timestamp.type`; default CreateTime. */
  readonly timestampType?: TimestampType
  /** `message.timestamp.before.max.ms`; default no bound. */
  readonly timestampBeforeMaxMs?: number
  /** `message.timestamp.after.max.ms`; default 3,600,000. */
  readonly timestampAfterMaxMs?: number
  /** `cleanup.policy` has `compact`: every record needs a key. */
  readonly compacted?: boolean
  /** `compression.type`; default `producer`: as it came. */
  readonly targetCompression?: CompressionCodec | 'producer'
  /** Who writes: only the broker's coordinators may write control records and offsets of their own. Default client. */
  readonly origin?: 'client' | 'coordinator'
  readonly decompressionLimitBytes?: number
}

export interface ValidatedBatch {
  /** The batch to append: the one given, with its timestamps set, or a new one in its stead. Its base offset is not set. */
  readonly batch: RecordBatchView
  readonly recordCount: number
  /** Milliseconds since 1970; −1: no record has one. */
  readonly maxTimestamp: number
  /** Delta to the base offset of the first record with that timestamp; −1: none. */
  readonly maxTimestampOffsetDelta: number
  /** Whether the size may differ from that of the batch given. */
  readonly rewritten: boolean
}

interface Findings {
  maxTimestamp: number
  maxTimestampOffsetDelta: number
  offsetsAreDense: boolean
  timestampErrors: number
  errorCount: number
  readonly errors: RecordError[]
}

/**
 * Checks a batch as Kafka's LogValidator does before the leader appends it, sets its timestamps in place, and rewrites
 * it when the topic wants another codec. Offset deltas that do not count 0, 1, 2, … are rewritten too: old clients send
 * such, and Kafka mends them in compressed batches (in uncompressed ones it does not look).
 *
 * @throws CorruptRecordError when the checksum is wrong
 * @throws InvalidRecordError when counts, offsets, keys or the format of a record are
 * @throws InvalidTimestampError when a timestamp is out of the topic's range or of a kind only brokers set
 * @throws UnsupportedCompressionError, DecompressionError, DecompressedTooLargeError
 */
export function validateBatch(view: RecordBatchView, rules: BatchRules): ValidatedBatch {
  if (!view.isValidCrc()) {
    throw new CorruptRecordError(`record batch with checksum ${view.crc}, which its bytes do not have`)
  }
  if ((rules.origin ?? 'client') === 'client') checkClientHeader(view)
  const timestampType = rules.timestampType ?? 'CreateTime'
  const source = view.compression
  const wanted = rules.targetCompression ?? 'producer'
  // Control records stay uncompressed whatever the topic says.
  const target = wanted === 'producer' || (view.isControl && source === 'none') ? source : wanted
  const limit = rules.decompressionLimitBytes ?? DEFAULT_DECOMPRESSION_LIMIT_BYTES
  const payload = source === 'none' && target === 'none' ? null : view.payload(limit)
  const cursor = payload === null ? view.cursor(limit) : new RecordCursor(payload, 0, payload.length, view.recordCount)
  const findings = checkRecords(view, cursor, timestampType, rules)
  refuseRecords(findings)

  let batch = view
  if (!findings.offsetsAreDense) batch = renumber(view, target, limit)
  else if (source !== target && payload !== null) batch = recompress(view, target, payload)
  let { maxTimestamp, maxTimestampOffsetDelta } = findings
  if (timestampType === 'LogAppendTime') {
    maxTimestamp = rules.nowMs
    maxTimestampOffsetDelta = 0
  }
  batch.setMaxTimestamp(timestampType, maxTimestamp)
  return { batch, recordCount: batch.recordCount, maxTimestamp, maxTimestampOffsetDelta, rewritten: batch !== view }
}

function checkClientHeader(view: RecordBatchView): void {
  const { baseOffset, lastOffsetDelta, recordCount } = view
  if (baseOffset !== 0) {
    throw new InvalidRecordError(`base offset ${baseOffset} of a produced record batch, must be 0`)
  }
  if (lastOffsetDelta < 0) {
    throw new InvalidRecordError(
      `record batch has an invalid offset range: [${baseOffset}, ${baseOffset + lastOffsetDelta}]`,
    )
  }
  if (recordCount <= 0) throw new InvalidRecordError(`invalid reported count for record batch: ${recordCount}`)
  if (recordCount !== lastOffsetDelta + 1) {
    throw new InvalidRecordError(`last offset delta ${lastOffsetDelta} of a batch of ${recordCount} records`)
  }
  if (view.isControl) throw new InvalidRecordError('clients are not allowed to write control records')
  if (view.hasProducerId && view.baseSequence < 0) {
    throw new InvalidRecordError(`sequence number ${view.baseSequence} in a batch with producer id ${view.producerId}`)
  }
}

function checkRecords(
  view: RecordBatchView,
  cursor: RecordCursor,
  timestampType: TimestampType,
  rules: BatchRules,
): Findings {
  const findings: Findings = {
    maxTimestamp: NO_TIMESTAMP,
    maxTimestampOffsetDelta: -1,
    offsetsAreDense: true,
    timestampErrors: 0,
    errorCount: 0,
    errors: [],
  }
  const { baseTimestamp } = view
  const oldestMs = rules.nowMs - (rules.timestampBeforeMaxMs ?? Number.MAX_SAFE_INTEGER)
  const newestMs = rules.nowMs + (rules.timestampAfterMaxMs ?? 3_600_000)
  const appendTime = view.timestampType === 'LogAppendTime' ? view.maxTimestamp : null
  for (let index = 0; cursor.next(); index++) {
    const timestamp = appendTime ?? baseTimestamp + cursor.timestampDelta
    if (rules.compacted === true && cursor.keyLength < 0) {
      addError(findings, index, 'a compacted topic cannot accept a message without a key')
    } else if (timestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP) {
      if (timestamp < oldestMs || timestamp > newestMs) {
        findings.timestampErrors++
        addError(findings, index, `timestamp ${timestamp} is out of range, should be within [${oldestMs}, ${newestMs}]`)
      }
    } else if (appendTime !== null) {
      findings.timestampErrors++
      addError(findings, index, 'a producer should not set the timestamp type to LogAppendTime')
    }
    if (timestamp > findings.maxTimestamp) {
      findings.maxTimestamp = timestamp
      findings.maxTimestampOffsetDelta = index
    }
    if (cursor.offsetDelta !== index) findings.offsetsAreDense = false
  }
  return findings
}

function addError(findings: Findings, batchIndex: number, message: string): void {
  findings.errorCount++
  if (findings.errors.length < MAX_RECORD_ERRORS) findings.errors.push({ batchIndex, message })
}

function refuseRecords({ errors, errorCount, timestampErrors }: Findings): void {
  if (errorCount === 0) return
  if (timestampErrors > 0) {
    throw new InvalidTimestampError('One or more records have been rejected due to invalid timestamp', errors)
  }
  const first = errors.slice(0, 3).map(error => `record ${error.batchIndex}: ${error.message}`)
  throw new InvalidRecordError(
    `One or more records have been rejected due to ${errorCount} record errors, the first: ${first.join('; ')}`,
    errors,
  )
}

function recompress(view: RecordBatchView, target: CompressionCodec, payload: Buffer): RecordBatchView {
  return new RecordBatchView(assembleBatch(view, target, payload), 0)
}

/** The same records with the offset deltas 0, 1, 2, …; every other byte of them stays. */
function renumber(view: RecordBatchView, target: CompressionCodec, limitBytes: number): RecordBatchView {
  const records: RewrittenRecord[] = []
  const cursor = view.cursor(limitBytes)
  for (let index = 0; cursor.next(); index++) {
    const { timestampDelta, afterOffsetDelta } = cursor
    records.push({ timestampDelta, offsetDelta: index, afterOffsetDelta })
  }
  return recompress(view, target, recordPayload(records))
}
