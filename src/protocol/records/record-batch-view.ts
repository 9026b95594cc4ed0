import { crc32c } from '@node-rs/crc32'
import {
  type CompressionCodec,
  compressionById,
  DEFAULT_DECOMPRESSION_LIMIT_BYTES,
  decompress,
} from './compression/codec.ts'
import { CorruptRecordError, InvalidRecordError } from './errors.ts'
import { readInt64, writeInt64 } from './int64.ts'
import * as at from './layout.ts'
import { RecordCursor, type RecordHeader } from './record-cursor.ts'
import { incrementSequence } from './sequence.ts'

/** A record as a reader sees it. Key and value are windows on the batch's bytes (or on its decompressed ones). */
export interface RecordView {
  readonly offset: number
  /** Milliseconds since 1970; of the append when the batch's type is LogAppendTime; −1: none. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
  /** Bytes of the record, uncompressed. */
  readonly sizeInBytes: number
}

/**
 * One whole record batch of format 2 inside a buffer (Kafka's DefaultRecordBatch). The getters read the bytes when
 * asked; nothing is copied, and the setters change the buffer. An int64 beyond ±(2^53 − 1) is a `CorruptRecordError`
 * when its getter is called.
 */
export class RecordBatchView {
  readonly buffer: Buffer
  /** Index of the batch's first byte in `buffer`. */
  readonly position: number
  /** Bytes of the batch, header included. */
  readonly sizeInBytes: number

  /** @throws CorruptRecordError when `buffer` does not hold a whole batch of format 2 at `position` */
  constructor(buffer: Buffer, position: number) {
    const available = buffer.length - position
    if (position < 0 || available < at.BATCH_OVERHEAD) {
      throw new CorruptRecordError(
        `${available} bytes at ${position}, a record batch takes at least ${at.BATCH_OVERHEAD}`,
      )
    }
    const size = at.LOG_OVERHEAD + buffer.readInt32BE(position + at.LENGTH_AT)
    if (size < at.BATCH_OVERHEAD || size > available) {
      throw new CorruptRecordError(`batch size ${size}, possible is ${at.BATCH_OVERHEAD} to ${available}`)
    }
    const magic = buffer.readInt8(position + at.MAGIC_AT)
    if (magic !== at.MAGIC) throw new CorruptRecordError(`record batch of magic ${magic}, only ${at.MAGIC} is read`)
    this.buffer = buffer
    this.position = position
    this.sizeInBytes = size
  }

  get baseOffset(): number {
    return readInt64(this.buffer, this.position + at.BASE_OFFSET_AT, 'baseOffset')
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get nextOffset(): number {
    return this.lastOffset + 1
  }

  /** −1: not set. */
  get partitionLeaderEpoch(): number {
    return this.buffer.readInt32BE(this.position + at.PARTITION_LEADER_EPOCH_AT)
  }

  get magic(): number {
    return this.buffer.readInt8(this.position + at.MAGIC_AT)
  }

  /** The checksum as it stands in the header, unsigned. */
  get crc(): number {
    return this.buffer.readUInt32BE(this.position + at.CRC_AT)
  }

  get attributes(): number {
    return this.buffer.readInt16BE(this.position + at.ATTRIBUTES_AT)
  }

  /** @throws UnsupportedCompressionError for a number that no codec has */
  get compression(): CompressionCodec {
    return compressionById(this.attributes & at.COMPRESSION_MASK)
  }

  get timestampType(): at.TimestampType {
    return (this.attributes & at.LOG_APPEND_TIME_FLAG) === 0 ? 'CreateTime' : 'LogAppendTime'
  }

  get isTransactional(): boolean {
    return (this.attributes & at.TRANSACTIONAL_FLAG) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & at.CONTROL_FLAG) !== 0
  }

  /** Wall time at which the batch's tombstones may go (KIP-534), or null when none was set. */
  get deleteHorizonMs(): number | null {
    return (this.attributes & at.DELETE_HORIZON_FLAG) === 0 ? null : this.baseTimestamp
  }

  get lastOffsetDelta(): number {
    return this.buffer.readInt32BE(this.position + at.LAST_OFFSET_DELTA_AT)
  }

  get baseTimestamp(): number {
    return readInt64(this.buffer, this.position + at.BASE_TIMESTAMP_AT, 'baseTimestamp')
  }

  get maxTimestamp(): number {
    return readInt64(this.buffer, this.position + at.MAX_TIMESTAMP_AT, 'maxTimestamp')
  }

  /** −1: none. */
  get producerId(): number {
    return readInt64(this.buffer, this.position + at.PRODUCER_ID_AT, 'producerId')
  }

  get producerEpoch(): number {
    return this.buffer.readInt16BE(this.position + at.PRODUCER_EPOCH_AT)
  }

  /** −1: none. */
  get baseSequence(): number {
    return this.buffer.readInt32BE(this.position + at.BASE_SEQUENCE_AT)
  }

  /** Sequence number of the last record, −1 without one; after 2^31 − 1 comes 0. */
  get lastSequence(): number {
    const base = this.baseSequence
    return base === at.NO_SEQUENCE ? at.NO_SEQUENCE : incrementSequence(base, this.lastOffsetDelta)
  }

  /** Records as the header tells; less than `lastOffsetDelta + 1` after compaction. */
  get recordCount(): number {
    return this.buffer.readInt32BE(this.position + at.RECORD_COUNT_AT)
  }

  get hasProducerId(): boolean {
    return this.producerId > at.NO_PRODUCER_ID
  }

  isValidCrc(): boolean {
    return this.crc === this.#computeCrc()
  }

  /** Not covered by the checksum. */
  setBaseOffset(offset: number): void {
    writeInt64(this.buffer, offset, this.position + at.BASE_OFFSET_AT)
  }

  /** Not covered by the checksum. */
  setPartitionLeaderEpoch(epoch: number): void {
    this.buffer.writeInt32BE(epoch, this.position + at.PARTITION_LEADER_EPOCH_AT)
  }

  /** Makes `timestampMs` the time of all records; computes the checksum again. */
  setLogAppendTime(timestampMs: number): void {
    this.setMaxTimestamp('LogAppendTime', timestampMs)
  }

  /** Sets kind and maximum of the timestamps; computes the checksum again when that changes anything. */
  setMaxTimestamp(timestampType: at.TimestampType, timestampMs: number): void {
    if (this.timestampType === timestampType && this.maxTimestamp === timestampMs) return
    const others = this.attributes & ~at.LOG_APPEND_TIME_FLAG
    const flag = timestampType === 'LogAppendTime' ? at.LOG_APPEND_TIME_FLAG : 0
    this.buffer.writeInt16BE(others | flag, this.position + at.ATTRIBUTES_AT)
    writeInt64(this.buffer, timestampMs, this.position + at.MAX_TIMESTAMP_AT)
    this.buffer.writeUInt32BE(this.#computeCrc(), this.position + at.CRC_AT)
  }

  /** The batch's bytes, a window on `buffer`. */
  bytes(): Buffer {
    return this.buffer.subarray(this.position, this.position + this.sizeInBytes)
  }

  /**
   * The records, checked one by one as they are taken. The checksum is not looked at.
   *
   * @throws InvalidRecordError, UnsupportedCompressionError, DecompressionError, DecompressedTooLargeError
   */
  *records(decompressionLimitBytes: number = DEFAULT_DECOMPRESSION_LIMIT_BYTES): Generator<RecordView> {
    const cursor = this.cursor(decompressionLimitBytes)
    const { baseOffset, baseTimestamp } = this
    const appendTime = this.timestampType === 'LogAppendTime' ? this.maxTimestamp : null
    while (cursor.next()) {
      yield {
        offset: checkedSum(baseOffset, cursor.offsetDelta, 'offset'),
        timestamp: appendTime ?? checkedSum(baseTimestamp, cursor.timestampDelta, 'timestamp'),
        key: cursor.key,
        value: cursor.value,
        headers: cursor.headers,
        sizeInBytes: cursor.sizeInBytes,
      }
    }
  }

  /** The records' bytes, decompressed. Errors as for `records`. */
  payload(decompressionLimitBytes: number = DEFAULT_DECOMPRESSION_LIMIT_BYTES): Buffer {
    const start = this.position + at.BATCH_OVERHEAD
    const bytes = this.buffer.subarray(start, this.position + this.sizeInBytes)
    return decompress(this.compression, bytes, decompressionLimitBytes)
  }

  /** The records for callers on a hot path: `records` without objects. Errors as there. */
  cursor(decompressionLimitBytes: number = DEFAULT_DECOMPRESSION_LIMIT_BYTES): RecordCursor {
    const count = this.recordCount
    if ((this.attributes & at.COMPRESSION_MASK) === 0) {
      return new RecordCursor(this.buffer, this.position + at.BATCH_OVERHEAD, this.position + this.sizeInBytes, count)
    }
    // Kafka does not look at the payload of a batch without records.
    const payload = count === 0 ? Buffer.alloc(0) : this.payload(decompressionLimitBytes)
    return new RecordCursor(payload, 0, payload.length, count)
  }

  #computeCrc(): number {
    return crc32c(this.buffer.subarray(this.position + at.ATTRIBUTES_AT, this.position + this.sizeInBytes))
  }
}

function checkedSum(base: number, delta: number, field: string): number {
  const sum = base + delta
  if (!Number.isSafeInteger(sum))
    throw new InvalidRecordError(`record ${field} ${base} + ${delta} is beyond ±(2^53 - 1)`)
  return sum
}
