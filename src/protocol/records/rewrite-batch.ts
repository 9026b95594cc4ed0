import { assembleBatch, type BatchHeader } from './build-batch.ts'
import { DELETE_HORIZON_FLAG, NO_TIMESTAMP } from './layout.ts'
import { RecordBatchView } from './record-batch-view.ts'
import { sizeOfVarint, writeVarint } from './varint.ts'

const NO_RECORDS = Buffer.alloc(0)

/** A record of a batch that is written anew: only its two deltas may differ from what it was. */
export interface RewrittenRecord {
  readonly timestampDelta: number
  readonly offsetDelta: number
  /** Key, value and headers as they stand in the old batch. */
  readonly afterOffsetDelta: Buffer
}

/** The uncompressed payload of a batch with these records. */
export function recordPayload(records: readonly RewrittenRecord[]): Buffer {
  const parts: Buffer[] = []
  for (const { timestampDelta, offsetDelta, afterOffsetDelta } of records) {
    const prefixBytes = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta)
    const bodyBytes = prefixBytes + afterOffsetDelta.length
    const prefix = Buffer.alloc(sizeOfVarint(bodyBytes) + prefixBytes)
    const attributesAt = writeVarint(prefix, bodyBytes, 0)
    writeVarint(prefix, offsetDelta, writeVarint(prefix, timestampDelta, attributesAt + 1))
    parts.push(prefix, afterOffsetDelta)
  }
  return Buffer.concat(parts)
}

/** A record that compaction keeps. */
export interface RetainedRecord {
  /** Milliseconds since 1970, as readers see it. */
  readonly timestamp: number
  readonly offsetDelta: number
  readonly afterOffsetDelta: Buffer
}

/**
 * The batch with some of its records left out (Kafka's MemoryRecords.buildRetainedRecordsInto): codec, offsets, epochs and
 * sequence numbers stay, also the last offset, so that the producer's last sequence number can still be told.
 *
 * @param records at least one
 * @param deleteHorizonMs wall time at which the batch's tombstones may go (KIP-534), which then stands where the base
 *   timestamp stood; null: none
 */
export function retainRecords(
  batch: RecordBatchView,
  records: readonly RetainedRecord[],
  deleteHorizonMs: number | null,
): RecordBatchView {
  const baseTimestamp = deleteHorizonMs ?? records[0]?.timestamp ?? NO_TIMESTAMP
  let maxTimestamp = NO_TIMESTAMP
  for (const { timestamp } of records) maxTimestamp = Math.max(maxTimestamp, timestamp)
  const payload = recordPayload(
    records.map(({ timestamp, offsetDelta, afterOffsetDelta }) => {
      return { timestampDelta: timestamp - baseTimestamp, offsetDelta, afterOffsetDelta }
    }),
  )
  const flag = deleteHorizonMs === null ? 0 : DELETE_HORIZON_FLAG
  const attributes = (batch.attributes & ~DELETE_HORIZON_FLAG) | flag
  const header = { ...headerOf(batch), attributes, baseTimestamp, maxTimestamp, recordCount: records.length }
  return new RecordBatchView(assembleBatch(header, batch.compression, payload), 0)
}

/**
 * The batch without any record, uncompressed (Kafka's DefaultRecordBatch.writeEmptyHeader): it stands for its offsets, and
 * for its producer's sequence numbers.
 */
export function emptiedBatch(batch: RecordBatchView): RecordBatchView {
  const attributes = batch.attributes & ~DELETE_HORIZON_FLAG
  const header = { ...headerOf(batch), attributes, baseTimestamp: NO_TIMESTAMP, recordCount: 0 }
  return new RecordBatchView(assembleBatch(header, 'none', NO_RECORDS), 0)
}

/** The header's fields by themselves: a view has them as getters, which do not spread. */
function headerOf(batch: RecordBatchView): BatchHeader {
  return {
    baseOffset: batch.baseOffset,
    lastOffsetDelta: batch.lastOffsetDelta,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    attributes: batch.attributes,
    baseTimestamp: batch.baseTimestamp,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    recordCount: batch.recordCount,
  }
}
