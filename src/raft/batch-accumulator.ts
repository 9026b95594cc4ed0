import { buildBatch } from '../protocol/records/build-batch.ts'
import { MAX_BATCH_BYTES } from './metadata-log-segment.ts'
import { AppendBufferFullError, BatchTooLargeError, type RaftBatch, type RecordSerde } from './raft-client.ts'

const MAX_PENDING_BYTES = 5 * MAX_BATCH_BYTES

export interface PendingBatch<T> {
  readonly bytes: Buffer
  readonly batch: RaftBatch<T>
}

export interface BatchAccumulatorOptions<T> {
  readonly epoch: number
  /** Offset of the first record that will be taken. */
  readonly baseOffset: number
  readonly lingerMs: number
  readonly serde: RecordSerde<T>
}

/**
 * What a leader was given to write and has not written yet (Kafka's BatchAccumulator). It is drained `lingerMs` after the
 * first of it came, or as soon as a batch's worth waits, as far as its owner lets it go. At most 40 MiB wait.
 */
export class BatchAccumulator<T> {
  readonly #options: BatchAccumulatorOptions<T>
  #prepared: PendingBatch<T>[] = []
  #scheduled: PendingBatch<T>[] = []
  #nextOffset: number
  #pendingBytes = 0
  #drainAtMs = Number.POSITIVE_INFINITY

  constructor(options: BatchAccumulatorOptions<T>) {
    this.#options = options
    this.#nextOffset = options.baseOffset
  }

  /** Takes records as one batch; gives the offset of the last one. Throws BatchTooLargeError, AppendBufferFullError. */
  append(records: readonly T[], nowMs: number, appendTimestampMs: number): number {
    if (records.length === 0) throw new RangeError('an append needs at least one record')
    const { epoch, serde } = this.#options
    const baseOffset = this.#nextOffset
    const values = records.map(record => ({ value: serde.write(record), timestamp: appendTimestampMs }))
    const bytes = buildBatch({ records: values, baseOffset, partitionLeaderEpoch: epoch })
    if (bytes.length > MAX_BATCH_BYTES) throw new BatchTooLargeError(bytes.length, MAX_BATCH_BYTES)
    if (this.#pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      throw new AppendBufferFullError(this.#pendingBytes, MAX_PENDING_BYTES)
    }
    const lastOffset = baseOffset + records.length - 1
    const batch = { baseOffset, lastOffset, epoch, appendTimestampMs, sizeBytes: bytes.length, records: [...records] }
    if (this.#pendingBytes === 0) this.#drainAtMs = nowMs + this.#options.lingerMs
    this.#prepared.push({ bytes, batch })
    this.#pendingBytes += bytes.length
    this.#nextOffset = lastOffset + 1
    return lastOffset
  }

  /** Lets what was appended be drained. Whether `timeUntilDrainMs` may now be less. */
  allowDrain(): boolean {
    if (this.#prepared.length === 0) return false
    const wasEmpty = this.#scheduled.length === 0
    this.#scheduled.push(...this.#prepared)
    this.#prepared = []
    return wasEmpty || this.#pendingBytes >= MAX_BATCH_BYTES
  }

  timeUntilDrainMs(nowMs: number): number {
    if (this.#scheduled.length === 0) return Number.POSITIVE_INFINITY
    return this.#pendingBytes >= MAX_BATCH_BYTES ? 0 : Math.max(0, this.#drainAtMs - nowMs)
  }

  drain(nowMs: number): readonly PendingBatch<T>[] {
    const drained = this.#scheduled
    this.#scheduled = []
    for (const { bytes } of drained) this.#pendingBytes -= bytes.length
    if (this.#prepared.length > 0) this.#drainAtMs = nowMs + this.#options.lingerMs
    return drained
  }
}
