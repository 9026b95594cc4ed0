import type { RecordBatchView } from '../../protocol/records/record-batch-view.ts'
import type { RecordCursor } from '../../protocol/records/record-cursor.ts'
import { emptiedBatch, type RetainedRecord, retainRecords } from '../../protocol/records/rewrite-batch.ts'

/** What is asked before a batch is rewritten (Kafka's MemoryRecords.RecordFilter). */
export interface RecordFilter {
  /** Wall time at which the cleaning began. */
  readonly nowMs: number
  /** `delete.retention.ms` */
  readonly deleteRetentionMs: number
  /** Whether the batch stays, without records, when none of its records does. */
  mustRetainBatch(batch: RecordBatchView): boolean
  /** Whether a record stays. @param record stands on it */
  shouldRetainRecord(batch: RecordBatchView, offset: number, record: RecordCursor): boolean
}

export interface FilteredBatch {
  /** What is to be written; null: the batch goes altogether. */
  readonly batch: RecordBatchView | null
  readonly recordsRead: number
  readonly recordsRetained: number
}

/** Beyond it a timestamp is no safe integer; as a delete horizon it means never. */
const MAX_HORIZON_MS = Number.MAX_SAFE_INTEGER - 1

/**
 * The batch with the records that stay (Kafka's MemoryRecords.filterTo). A batch that keeps all of them stays as it is, but
 * one with tombstones gets its delete horizon the first time that it is cleaned (KIP-534). Errors as for
 * `RecordBatchView.cursor`. Where `delete.retention.ms` is so large that Kafka's sum overflows, tombstones stay for ever.
 */
export function filterBatch(batch: RecordBatchView, filter: RecordFilter): FilteredBatch {
  const { baseOffset, baseTimestamp } = batch
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : null
  const retained: RetainedRecord[] = []
  let recordsRead = 0
  let hasTombstones = false
  const cursor = batch.cursor()
  while (cursor.next()) {
    recordsRead++
    if (!filter.shouldRetainRecord(batch, baseOffset + cursor.offsetDelta, cursor)) continue
    if (cursor.valueLength < 0) hasTombstones = true
    const { offsetDelta, afterOffsetDelta } = cursor
    retained.push({ timestamp: appendTime ?? baseTimestamp + cursor.timestampDelta, offsetDelta, afterOffsetDelta })
  }
  const counts = { recordsRead, recordsRetained: retained.length }
  if (retained.length === 0) return { batch: filter.mustRetainBatch(batch) ? emptiedBatch(batch) : null, ...counts }
  const needsHorizon = hasTombstones && batch.deleteHorizonMs === null
  if (retained.length === recordsRead && !needsHorizon) return { batch, ...counts }
  const horizonMs = needsHorizon
    ? Math.min(filter.nowMs + filter.deleteRetentionMs, MAX_HORIZON_MS)
    : batch.deleteHorizonMs
  return { batch: retainRecords(batch, retained, horizonMs), ...counts }
}
