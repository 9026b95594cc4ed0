import { decodeControlKey } from '../protocol/records/control-record.ts'
import { CorruptRecordError } from '../protocol/records/errors.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { DiskFile } from '../runtime/disk.ts'
import { decodeBatch } from './batch-decoder.ts'
import { batchesFrom } from './metadata-log-segment.ts'
import type { OffsetAndEpoch, RaftBatch, RecordSerde, SnapshotReader } from './raft-client.ts'
import { snapshotHeaderCodec } from './snapshot-records.ts'

/**
 * Reads a snapshot through, batch by batch (Kafka's RecordsSnapshotReader). A checksum that is wrong, a header that is not
 * the first record or a footer that is not the last one is a CorruptRecordError.
 */
export class RecordsSnapshotReader<T> implements SnapshotReader<T> {
  readonly snapshotId: OffsetAndEpoch
  readonly lastContainedLogTimestampMs: number
  readonly #file: DiskFile
  readonly #serde: RecordSerde<T>

  private constructor(id: OffsetAndEpoch, file: DiskFile, serde: RecordSerde<T>, timestampMs: number) {
    this.snapshotId = id
    this.lastContainedLogTimestampMs = timestampMs
    this.#file = file
    this.#serde = serde
  }

  /** Takes the file over: it is closed with the reader, and here when it is no snapshot. */
  static async open<T>(id: OffsetAndEpoch, file: DiskFile, serde: RecordSerde<T>): Promise<RecordsSnapshotReader<T>> {
    try {
      for await (const { view } of batchesFrom(file, 0)) {
        const value = controlValue(view, 'SNAPSHOT_HEADER')
        if (value === undefined) break
        const { lastContainedLogTimestamp } = snapshotHeaderCodec.decode(0, value)
        return new RecordsSnapshotReader(id, file, serde, lastContainedLogTimestamp)
      }
      throw new CorruptRecordError(`${file.path} does not begin with a snapshot header`)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async *batches(): AsyncGenerator<RaftBatch<T>> {
    let isWhole = false
    for await (const { view } of batchesFrom(this.#file, 0)) {
      if (!view.isValidCrc()) throw new CorruptRecordError(`checksum of batch ${view.baseOffset} of ${this.#file.path}`)
      isWhole = controlValue(view, 'SNAPSHOT_FOOTER') !== undefined
      if (!view.isControl) yield decodeBatch(view, this.#serde)
    }
    if (!isWhole) throw new CorruptRecordError(`${this.#file.path} does not end with a snapshot footer`)
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

function controlValue(view: RecordBatchView, type: 'SNAPSHOT_HEADER' | 'SNAPSHOT_FOOTER'): Buffer | undefined {
  if (!view.isControl) return undefined
  for (const { key, value } of view.records()) {
    if (decodeControlKey(key) === type && value !== null) return value
  }
  return undefined
}
