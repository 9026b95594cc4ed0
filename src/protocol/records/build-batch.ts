import { crc32c } from '@node-rs/crc32'
import { type CompressionCodec, compress, compressionId } from './compression/codec.ts'
import { writeInt64 } from './int64.ts'
import * as at from './layout.ts'
import { sizeOfVarint, writeVarint } from './varint.ts'

/** A record to write. */
export interface RecordInput {
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly { readonly key: string; readonly value: Buffer | null }[]
  /** Milliseconds since 1970; −1: none. */
  readonly timestamp: number
  /** The record's offset when there are gaps before it; by default one more than that of the record before. */
  readonly offset?: number
}

export interface BatchOptions {
  readonly records: readonly RecordInput[]
  /** Default 0, as producers send it. */
  readonly baseOffset?: number
  /** Offset the batch stands for at its end; by default that of its last record. */
  readonly lastOffset?: number
  readonly partitionLeaderEpoch?: number
  readonly compression?: CompressionCodec
  /** With LogAppendTime, readers see the maximum of the records' timestamps on all of them. */
  readonly timestampType?: at.TimestampType
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
}

/** What a batch's header says beside sizes and checksum. */
export interface BatchHeader {
  readonly baseOffset: number
  readonly lastOffsetDelta: number
  readonly partitionLeaderEpoch: number
  readonly attributes: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordCount: number
}

/** Builds a record batch of format 2 with its checksum. @throws RangeError for offsets and times that cannot be in one */
export function buildBatch(options: BatchOptions): Buffer {
  const { records, baseOffset = 0, compression = 'none', timestampType = 'CreateTime' } = options
  const baseTimestamp = records[0]?.timestamp ?? at.NO_TIMESTAMP
  const offsets = offsetsOf(records, baseOffset)
  const lastOffset = options.lastOffset ?? offsets.at(-1) ?? baseOffset
  let maxTimestamp = at.NO_TIMESTAMP
  for (const record of records) maxTimestamp = Math.max(maxTimestamp, record.timestamp)
  const header: BatchHeader = {
    baseOffset,
    lastOffsetDelta: checkedDelta(lastOffset - baseOffset, offsets.at(-1) ?? baseOffset, lastOffset),
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? at.NO_PARTITION_LEADER_EPOCH,
    attributes:
      compressionId(compression) |
      (timestampType === 'LogAppendTime' ? at.LOG_APPEND_TIME_FLAG : 0) |
      (options.isTransactional === true ? at.TRANSACTIONAL_FLAG : 0) |
      (options.isControl === true ? at.CONTROL_FLAG : 0),
    baseTimestamp,
    maxTimestamp,
    producerId: options.producerId ?? at.NO_PRODUCER_ID,
    producerEpoch: options.producerEpoch ?? at.NO_PRODUCER_EPOCH,
    baseSequence: options.baseSequence ?? at.NO_SEQUENCE,
    recordCount: records.length,
  }
  const prepared = records.map((record, index) =>
    prepareRecord(record, (offsets[index] ?? 0) - baseOffset, baseTimestamp),
  )
  if (compression === 'none') {
    const batch = Buffer.allocUnsafe(prepared.reduce((size, record) => size + record.size, at.BATCH_OVERHEAD))
    writeRecords(batch, at.BATCH_OVERHEAD, prepared)
    return finish(batch, header, header.attributes)
  }
  const payload = Buffer.allocUnsafe(prepared.reduce((size, record) => size + record.size, 0))
  writeRecords(payload, 0, prepared)
  return assembleBatch(header, compression, payload)
}

/** A batch of records that are already written one after the other in `payload`, which is compressed here. */
export function assembleBatch(header: BatchHeader, compression: CompressionCodec, payload: Buffer): Buffer {
  const compressed = compress(compression, payload)
  const batch = Buffer.allocUnsafe(at.BATCH_OVERHEAD + compressed.length)
  compressed.copy(batch, at.BATCH_OVERHEAD)
  return finish(batch, header, (header.attributes & ~at.COMPRESSION_MASK) | compressionId(compression))
}

function finish(batch: Buffer, header: BatchHeader, attributes: number): Buffer {
  writeInt64(batch, header.baseOffset, at.BASE_OFFSET_AT)
  batch.writeInt32BE(batch.length - at.LOG_OVERHEAD, at.LENGTH_AT)
  batch.writeInt32BE(header.partitionLeaderEpoch, at.PARTITION_LEADER_EPOCH_AT)
  batch.writeInt8(at.MAGIC, at.MAGIC_AT)
  batch.writeInt16BE(attributes, at.ATTRIBUTES_AT)
  batch.writeInt32BE(header.lastOffsetDelta, at.LAST_OFFSET_DELTA_AT)
  writeInt64(batch, header.baseTimestamp, at.BASE_TIMESTAMP_AT)
  writeInt64(batch, header.maxTimestamp, at.MAX_TIMESTAMP_AT)
  writeInt64(batch, header.producerId, at.PRODUCER_ID_AT)
  batch.writeInt16BE(header.producerEpoch, at.PRODUCER_EPOCH_AT)
  batch.writeInt32BE(header.baseSequence, at.BASE_SEQUENCE_AT)
  batch.writeInt32BE(header.recordCount, at.RECORD_COUNT_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
  return batch
}

/** A record that is measured, ready to be written. */
export interface PreparedRecord {
  readonly record: RecordInput
  readonly headerKeys: readonly Buffer[]
  readonly timestampDelta: number
  readonly offsetDelta: number
  /** Bytes after the length field. */
  readonly bodySize: number
  readonly size: number
}

/** Measures a record. @throws RangeError for a time that cannot be in a batch of this base */
export function prepareRecord(record: RecordInput, offsetDelta: number, baseTimestamp: number): PreparedRecord {
  const headers = record.headers ?? []
  const headerKeys = headers.map(header => Buffer.from(header.key))
  const timestampDelta = record.timestamp - baseTimestamp
  if (!Number.isSafeInteger(timestampDelta)) throw new RangeError(`timestamp ${record.timestamp} of a record to write`)
  let bodySize = 1 + sizeOfVarint(timestampDelta) + sizeOfVarint(offsetDelta)
  bodySize += sizeOfBytes(record.key ?? null) + sizeOfBytes(record.value ?? null) + sizeOfVarint(headers.length)
  for (const key of headerKeys) bodySize += sizeOfBytes(key)
  for (const header of headers) bodySize += sizeOfBytes(header.value)
  return { record, headerKeys, timestampDelta, offsetDelta, bodySize, size: sizeOfVarint(bodySize) + bodySize }
}

/** Writes records one after the other. */
export function writeRecords(buffer: Buffer, start: number, records: readonly PreparedRecord[]): void {
  let position = start
  for (const { record, headerKeys, timestampDelta, offsetDelta, bodySize } of records) {
    position = writeVarint(buffer, bodySize, position)
    buffer[position++] = 0 // a record's attributes are unused
    position = writeVarint(buffer, timestampDelta, position)
    position = writeVarint(buffer, offsetDelta, position)
    position = writeBytes(buffer, record.key ?? null, position)
    position = writeBytes(buffer, record.value ?? null, position)
    position = writeVarint(buffer, headerKeys.length, position)
    headerKeys.forEach((key, index) => {
      position = writeBytes(buffer, key, position)
      position = writeBytes(buffer, record.headers?.[index]?.value ?? null, position)
    })
  }
}

function sizeOfBytes(bytes: Buffer | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function writeBytes(buffer: Buffer, bytes: Buffer | null, position: number): number {
  if (bytes === null) return writeVarint(buffer, -1, position)
  const start = writeVarint(buffer, bytes.length, position)
  bytes.copy(buffer, start)
  return start + bytes.length
}

function offsetsOf(records: readonly RecordInput[], baseOffset: number): number[] {
  let next = baseOffset
  return records.map(record => {
    const offset = record.offset ?? next
    checkedDelta(offset - baseOffset, next, offset)
    next = offset + 1
    return offset
  })
}

function checkedDelta(delta: number, lowest: number, offset: number): number {
  if (!Number.isSafeInteger(offset) || offset < lowest || delta > 2_147_483_647) {
    throw new RangeError(`offset ${offset} in a batch: must be at least ${lowest} and within 2^31 of the batch's first`)
  }
  return delta
}
