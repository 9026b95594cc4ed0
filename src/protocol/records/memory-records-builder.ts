import { assembleBatch, prepareRecord, type RecordInput, writeRecords } from './build-batch.ts'
import type { CompressionCodec } from './compression/codec.ts'
import * as at from './layout.ts'
import { sizeOfVarint } from './varint.ts'

/** Bytes of a record beside key, value and headers, at most (DefaultRecord.MAX_RECORD_OVERHEAD). */
const MAX_RECORD_OVERHEAD = 21
/** What compression is expected to fall short of its estimate. */
const COMPRESSION_RATE_ESTIMATION_FACTOR = 1.05

export interface MemoryRecordsBuilderOptions {
  readonly compression: CompressionCodec
  /** Bytes at which the batch is full; one record is taken whatever its size. */
  readonly writeLimit: number
  /** Compressed bytes for each uncompressed one, as expected. */
  readonly estimatedCompressionRatio: number
}

/** Id and epoch of a producer, and the sequence number of a batch's first record. */
export interface ProducerState {
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly isTransactional: boolean
}

const NO_PRODUCER_STATE: ProducerState = {
  producerId: at.NO_PRODUCER_ID,
  producerEpoch: at.NO_PRODUCER_EPOCH,
  baseSequence: at.NO_SEQUENCE,
  isTransactional: false,
}

/**
 * A record batch that grows record by record until it is closed (Kafka's MemoryRecordsBuilder). Records are written when they
 * are appended, so that their bytes may change afterwards; they are compressed when the batch is closed.
 */
export class MemoryRecordsBuilder {
  readonly #options: MemoryRecordsBuilderOptions
  readonly #records: Buffer[] = []
  #uncompressedBytes = 0
  #baseTimestamp = at.NO_TIMESTAMP
  #maxTimestamp = at.NO_TIMESTAMP
  #closedForAppends = false
  #aborted = false
  #producer = NO_PRODUCER_STATE
  #built: Buffer | undefined
  #compressionRatio = 1

  constructor(options: MemoryRecordsBuilderOptions) {
    this.#options = options
  }

  get compression(): CompressionCodec {
    return this.#options.compression
  }

  get recordCount(): number {
    return this.#records.length
  }

  get producer(): ProducerState {
    return this.#producer
  }

  get closed(): boolean {
    return this.#built !== undefined
  }

  /** Compressed bytes for each uncompressed one; 1 before it is closed. */
  get compressionRatio(): number {
    return this.#compressionRatio
  }

  /** Whether no record can be added any more. */
  get isFull(): boolean {
    return (
      this.#closedForAppends || (this.#records.length > 0 && this.#options.writeLimit <= this.#estimatedBytesWritten())
    )
  }

  /** Bytes of the batch; before it is closed what they are expected to be. */
  get estimatedSizeInBytes(): number {
    return this.#built?.length ?? this.#estimatedBytesWritten()
  }

  hasRoomFor(record: RecordInput): boolean {
    if (this.isFull) return false
    if (this.#records.length === 0) return true
    const { size } = prepareRecord(record, this.#records.length, this.#baseTimestamp)
    return this.#options.writeLimit >= this.#estimatedBytesWritten() + size
  }

  /** Adds a record. @throws RangeError for a time that cannot be in this batch, or when it takes no more */
  append(record: RecordInput): void {
    if (this.#closedForAppends) throw new RangeError('the batch is closed for record appends')
    if (this.#records.length === 0) this.#baseTimestamp = record.timestamp
    const prepared = prepareRecord(record, this.#records.length, this.#baseTimestamp)
    const bytes = Buffer.allocUnsafe(prepared.size)
    writeRecords(bytes, 0, [prepared])
    this.#records.push(bytes)
    this.#uncompressedBytes += bytes.length
    this.#maxTimestamp = Math.max(this.#maxTimestamp, record.timestamp)
  }

  closeForRecordAppends(): void {
    this.#closedForAppends = true
  }

  /** Takes no more records and will never be closed. */
  abort(): void {
    this.#closedForAppends = true
    this.#aborted = true
  }

  /** Sets what stands in the header. @throws RangeError when it is closed */
  setProducerState(producer: ProducerState): void {
    if (this.#built !== undefined) throw new RangeError('the batch is closed: its producer state cannot be set')
    this.#producer = producer
  }

  /** Opens a closed batch for another header, not for more records. @throws RangeError when it was aborted */
  reopenAndRewriteProducerState(producer: ProducerState): void {
    if (this.#aborted) throw new RangeError('the batch was aborted: it cannot be opened again')
    this.#built = undefined
    this.#producer = producer
  }

  /** Closes the batch and gives its bytes; again the same when it is closed. @throws RangeError when it was aborted */
  build(): Buffer {
    if (this.#built !== undefined) return this.#built
    if (this.#aborted) throw new RangeError('the batch was aborted: it cannot be closed')
    this.#closedForAppends = true
    const { compression } = this.#options
    const payload = Buffer.concat(this.#records)
    const { producerId, producerEpoch, baseSequence, isTransactional } = this.#producer
    const header = {
      baseOffset: 0,
      lastOffsetDelta: this.#records.length - 1,
      partitionLeaderEpoch: at.NO_PARTITION_LEADER_EPOCH,
      attributes: isTransactional ? at.TRANSACTIONAL_FLAG : 0,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId,
      producerEpoch,
      baseSequence,
      recordCount: this.#records.length,
    }
    this.#built = assembleBatch(header, compression, payload)
    this.#compressionRatio = (this.#built.length - at.BATCH_OVERHEAD) / payload.length
    return this.#built
  }

  #estimatedBytesWritten(): number {
    const { compression, estimatedCompressionRatio } = this.#options
    if (compression === 'none') return at.BATCH_OVERHEAD + this.#uncompressedBytes
    const ratio = estimatedCompressionRatio * COMPRESSION_RATE_ESTIMATION_FACTOR
    return at.BATCH_OVERHEAD + Math.floor(this.#uncompressedBytes * ratio)
  }
}

/** Bytes that a batch with this one record takes at most, uncompressed (AbstractRecords.estimateSizeInBytesUpperBound). */
export function estimateSizeInBytesUpperBound({ key, value, headers = [] }: Omit<RecordInput, 'timestamp'>): number {
  let size = at.BATCH_OVERHEAD + MAX_RECORD_OVERHEAD + sizeOf(key) + sizeOf(value) + sizeOfVarint(headers.length)
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key)
    size += sizeOfVarint(keyBytes) + keyBytes + sizeOf(header.value)
  }
  return size
}

function sizeOf(bytes: Buffer | null | undefined): number {
  return bytes === null || bytes === undefined ? 1 : sizeOfVarint(bytes.length) + bytes.length
}
