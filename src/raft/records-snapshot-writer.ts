import { buildBatch, type RecordInput } from '../protocol/records/build-batch.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { MAX_BATCH_BYTES } from './metadata-log-segment.ts'
import { BatchTooLargeError, type OffsetAndEpoch, type RecordSerde, type SnapshotWriter } from './raft-client.ts'
import type { PartialSnapshot } from './snapshot-files.ts'
import { controlBatch, snapshotFooterCodec, snapshotHeaderCodec } from './snapshot-records.ts'

/** Records are put together to batches of about this size. */
const BATCH_BYTES = 256 * 1024

export interface RecordsSnapshotWriterOptions<T> {
  readonly file: PartialSnapshot
  readonly serde: RecordSerde<T>
  readonly lastContainedLogTimestampMs: number
  /** The snapshot has become visible. */
  readonly onFrozen: () => void
}

/**
 * Writes a snapshot in Kafka's format (RecordsSnapshotWriter): a control batch with the header, batches of records whose
 * offsets count from 0, and a control batch with the footer.
 */
export class RecordsSnapshotWriter<T> implements SnapshotWriter<T> {
  readonly #runtime: Runtime
  readonly #options: RecordsSnapshotWriterOptions<T>
  #pending: RecordInput[] = []
  #pendingBytes = 0
  #nextOffset = 0
  #begun = false

  constructor(runtime: Runtime, options: RecordsSnapshotWriterOptions<T>) {
    this.#runtime = runtime
    this.#options = options
  }

  get snapshotId(): OffsetAndEpoch {
    return this.#options.file.id
  }

  async append(records: readonly T[]): Promise<void> {
    const timestamp = this.#runtime.clock.wallMs()
    for (const record of records) {
      const value = this.#options.serde.write(record)
      if (value.length > MAX_BATCH_BYTES / 2) throw new BatchTooLargeError(value.length, MAX_BATCH_BYTES / 2)
      this.#pending.push({ value, timestamp })
      this.#pendingBytes += value.length
      if (this.#pendingBytes >= BATCH_BYTES) await this.#flush()
    }
  }

  async freeze(): Promise<void> {
    await this.#flush()
    await this.#control('SNAPSHOT_FOOTER', snapshotFooterCodec.encode(0, { version: 0 }))
    await this.#options.file.freeze()
    this.#options.onFrozen()
  }

  close(): Promise<void> {
    return this.#options.file.discard()
  }

  async #flush(): Promise<void> {
    if (!this.#begun) {
      this.#begun = true
      const lastContainedLogTimestamp = this.#options.lastContainedLogTimestampMs
      const header = snapshotHeaderCodec.encode(0, { version: 0, lastContainedLogTimestamp })
      await this.#control('SNAPSHOT_HEADER', header)
    }
    const records = this.#pending
    if (records.length === 0) return
    this.#pending = []
    this.#pendingBytes = 0
    const baseOffset = this.#nextOffset
    this.#nextOffset += records.length
    await this.#options.file.append(buildBatch({ records, baseOffset, partitionLeaderEpoch: this.snapshotId.epoch }))
  }

  async #control(type: 'SNAPSHOT_HEADER' | 'SNAPSHOT_FOOTER', value: Buffer): Promise<void> {
    const { epoch } = this.snapshotId
    const timestampMs = this.#runtime.clock.wallMs()
    const bytes = controlBatch({ type, value, baseOffset: this.#nextOffset++, epoch, timestampMs })
    await this.#options.file.append(bytes)
  }
}
