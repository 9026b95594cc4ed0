import { NO_TIMESTAMP } from '../protocol/records/layout.ts'
import type { PreparedAppend } from './log-validator.ts'
import { type BatchMetadata, firstOffset } from './producer-state-entry.ts'

/** What became of an append (Kafka's LogAppendInfo). */
export interface LogAppendInfo {
  /** Offset of the first record; -1 when there was nothing to append. */
  readonly firstOffset: number
  readonly lastOffset: number
  /** Leader epoch of the last batch; -1 when there was nothing to append. */
  readonly lastLeaderEpoch: number
  /** Milliseconds since 1970. */
  readonly maxTimestamp: number
  /** Time of the append where the topic's timestamps are `LogAppendTime`, else -1. Of a duplicate its timestamp always. */
  readonly logAppendTime: number
  readonly logStartOffset: number
  readonly recordCount: number
  readonly sizeInBytes: number
  /** The batch repeats one that is in the log: nothing was appended, the offsets are those of the first time. */
  readonly duplicate: boolean
}

/** Nothing was appended. */
export function emptyAppendInfo(logStartOffset: number): LogAppendInfo {
  return {
    firstOffset: -1,
    lastOffset: -1,
    lastLeaderEpoch: -1,
    maxTimestamp: NO_TIMESTAMP,
    logAppendTime: NO_TIMESTAMP,
    logStartOffset,
    recordCount: 0,
    sizeInBytes: 0,
    duplicate: false,
  }
}

/** The batches were appended. */
export function appendInfo(
  { firstOffset, lastOffset, maxTimestamp, recordCount, bytes, batches }: PreparedAppend,
  logAppendTime: number,
  logStartOffset: number,
): LogAppendInfo {
  return {
    firstOffset,
    lastOffset,
    lastLeaderEpoch: batches.at(-1)?.partitionLeaderEpoch ?? -1,
    maxTimestamp,
    logAppendTime,
    logStartOffset,
    recordCount,
    sizeInBytes: bytes.length,
    duplicate: false,
  }
}

/** Nothing was appended, since the log holds the batch already. */
export function duplicateAppendInfo(
  known: BatchMetadata,
  prepared: PreparedAppend,
  logStartOffset: number,
): LogAppendInfo {
  return {
    firstOffset: firstOffset(known),
    lastOffset: known.lastOffset,
    lastLeaderEpoch: prepared.batches.at(-1)?.partitionLeaderEpoch ?? -1,
    maxTimestamp: known.timestamp,
    // Whatever the topic's timestamps are: Kafka tells the time of the batch that is in the log.
    logAppendTime: known.timestamp,
    logStartOffset,
    recordCount: prepared.recordCount,
    sizeInBytes: prepared.bytes.length,
    duplicate: true,
  }
}
