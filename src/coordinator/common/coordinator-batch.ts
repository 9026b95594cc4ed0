import { BATCH_OVERHEAD, buildBatch, type CompressionCodec, type RecordInput } from '../../protocol/records/batch.ts'
import type { SerializedRecord } from './coordinator-record-serde.ts'
import type { DeferredEvent } from './deferred-event-queue.ts'

/** Bytes that a record takes at most beside its key and value (Kafka's DefaultRecord.MAX_RECORD_OVERHEAD). */
const MAX_RECORD_OVERHEAD = 21

export interface CoordinatorBatchOptions {
  /** Up to where the state was written before; what it goes back to when the batch cannot be. */
  readonly baseOffset: number
  /** When the batch was begun, monotonic milliseconds. */
  readonly startMs: number
  /** Timestamp of the records, wall-clock milliseconds. */
  readonly timestamp: number
  readonly maxMessageBytes: number
  readonly compression: CompressionCodec
}

/** Records that are applied to the state and wait to be written together, with who waits for them. */
export class CoordinatorBatch {
  readonly baseOffset: number
  readonly startMs: number
  readonly #options: CoordinatorBatchOptions
  readonly #records: RecordInput[] = []
  readonly #events: DeferredEvent[] = []
  #sizeInBytesMax = BATCH_OVERHEAD

  constructor(options: CoordinatorBatchOptions) {
    this.#options = options
    this.baseOffset = options.baseOffset
    this.startMs = options.startMs
  }

  get recordCount(): number {
    return this.#records.length
  }

  /** The offset that the next record will have, if the log is where the state believes. */
  get nextOffset(): number {
    return this.baseOffset + this.#records.length
  }

  /** Who waits for the batch to be committed. */
  get events(): readonly DeferredEvent[] {
    return this.#events
  }

  /** Whether these fit too. An empty batch has room for anything: what is too large then is refused by the log. */
  hasRoomFor(records: readonly SerializedRecord[]): boolean {
    if (this.#records.length === 0) return true
    return this.#sizeInBytesMax + sizeMax(records) <= this.#options.maxMessageBytes
  }

  get isFull(): boolean {
    return this.#records.length > 0 && this.#sizeInBytesMax >= this.#options.maxMessageBytes
  }

  append(record: SerializedRecord): void {
    this.#records.push({ key: record.key, value: record.value, timestamp: this.#options.timestamp })
    this.#sizeInBytesMax += sizeMax([record])
  }

  addEvent(event: DeferredEvent): void {
    this.#events.push(event)
  }

  build(): Buffer {
    return buildBatch({ records: this.#records, compression: this.#options.compression })
  }
}

function sizeMax(records: readonly SerializedRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + MAX_RECORD_OVERHEAD + key.length + (value?.length ?? 0), 0)
}
