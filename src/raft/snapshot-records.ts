import { MessageCodec } from '../protocol/message-codec.ts'
import { buildBatch } from '../protocol/records/build-batch.ts'
import { type ControlRecordType, encodeControlKey } from '../protocol/records/control-record.ts'
import { int16, int64, message } from '../protocol/schema.ts'

/** The first record of a snapshot (KIP-630). */
export const SnapshotHeaderRecord = message({
  version: int16(),
  lastContainedLogTimestamp: int64(),
})

/** The last record of a snapshot: without it the file is not whole. */
export const SnapshotFooterRecord = message({
  version: int16(),
})

export const snapshotHeaderCodec: MessageCodec<typeof SnapshotHeaderRecord> = new MessageCodec(SnapshotHeaderRecord, {
  name: 'SnapshotHeaderRecord',
  flexibleSince: 0,
})

export const snapshotFooterCodec: MessageCodec<typeof SnapshotFooterRecord> = new MessageCodec(SnapshotFooterRecord, {
  name: 'SnapshotFooterRecord',
  flexibleSince: 0,
})

export interface ControlBatchOptions {
  readonly type: ControlRecordType
  readonly value: Buffer
  readonly baseOffset: number
  readonly epoch: number
  readonly timestampMs: number
}

/** A batch of one control record. */
export function controlBatch({ type, value, baseOffset, epoch, timestampMs }: ControlBatchOptions): Buffer {
  return buildBatch({
    records: [{ key: encodeControlKey(type), value, timestamp: timestampMs }],
    baseOffset,
    partitionLeaderEpoch: epoch,
    isControl: true,
  })
}
