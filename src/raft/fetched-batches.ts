import { batchAt } from '../protocol/records/batches.ts'
import { CorruptRecordError, InvalidRecordError } from '../protocol/records/errors.ts'
import { MAX_BATCH_BYTES } from './metadata-log-segment.ts'

export interface LogPosition {
  readonly endOffset: number
  readonly lastEpoch: number
  /** The epoch of the leader that the records come from. */
  readonly leaderEpoch: number
}

/**
 * The leading bytes of a leader's answer that are whole batches and continue the log: dense offsets, a right checksum, and
 * epochs that neither fall nor lie beyond the leader's (KAFKA-18723).
 */
export function takeValidBatches(records: Buffer, { endOffset, lastEpoch, leaderEpoch }: LogPosition): Buffer {
  let position = 0
  let offset = endOffset
  let epoch = lastEpoch
  try {
    for (let view = batchAt(records, 0); view !== null; view = batchAt(records, position)) {
      const batchEpoch = view.partitionLeaderEpoch
      if (view.baseOffset !== offset || view.lastOffset < offset || view.sizeInBytes > MAX_BATCH_BYTES) break
      if (batchEpoch < epoch || batchEpoch > leaderEpoch || !view.isValidCrc()) break
      position += view.sizeInBytes
      offset = view.nextOffset
      epoch = batchEpoch
    }
  } catch (error) {
    if (!(error instanceof CorruptRecordError || error instanceof InvalidRecordError)) throw error
  }
  return records.subarray(0, position)
}
