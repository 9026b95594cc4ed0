import { readFileSync } from 'node:fs'
import { crc32c } from '@node-rs/crc32'
import { Produce } from '../../src/protocol/apis/produce.ts'
import { encodeRequest } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/batch.ts'
import { assembleBatch, type BatchHeader } from '../../src/protocol/records/build-batch.ts'
import { type CompressionCodec, compressionId } from '../../src/protocol/records/compression/codec.ts'
import * as at from '../../src/protocol/records/layout.ts'

/** A request that a real client sent. */
export interface GoldenRequest {
  /** `Produce v7 of kafkajs 2.2.4`. */
  readonly name: string
  /** Without the size before it. */
  readonly frame: Buffer
}

interface GoldenFile {
  readonly client: string
  readonly requests: readonly { readonly api: string; readonly version: number; readonly frame: string }[]
}

/** Topic that the golden requests are about. */
export const GOLDEN_TOPIC = 'golden-topic'

/** Every request of every real client in `fixtures/wire/`. */
export const GOLDEN_REQUESTS: readonly GoldenRequest[] = ['kafkajs', 'kcat', 'platformatic'].flatMap(name => {
  const path = new URL(`../../fixtures/wire/${name}.json`, import.meta.url)
  const { client, requests } = JSON.parse(readFileSync(path, 'utf8')) as GoldenFile
  return requests.map(({ api, version, frame }) => ({
    name: `${api} v${version} of ${client}`,
    frame: Buffer.from(frame, 'hex'),
  }))
})

/** The frame with its size before it; or with another size than it has. */
export function sized(frame: Buffer, size: number = frame.length): Buffer {
  const bytes = Buffer.alloc(4 + frame.length)
  bytes.writeInt32BE(size)
  frame.copy(bytes, 4)
  return bytes
}

/** A request header of version 1 and whatever is to follow it. */
export function requestFrame(apiKey: number, apiVersion: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(10)
  header.writeInt16BE(apiKey, 0)
  header.writeInt16BE(apiVersion, 2)
  header.writeInt32BE(7, 4)
  header.writeInt16BE(-1, 8)
  return Buffer.concat([header, body])
}

export interface ProduceFrameOptions {
  readonly topic: string
  readonly partition?: number
  readonly acks?: number
  readonly version?: number
}

/** A Produce request for one partition. */
export function produceFrame(records: Buffer | null, options: ProduceFrameOptions): Buffer {
  const { topic, partition = 0, acks = -1, version = 9 } = options
  return encodeRequest(
    Produce,
    version,
    { correlationId: 7, clientId: 'hostile' },
    { acks, timeoutMs: 30_000, topicData: [{ name: topic, partitionData: [{ index: partition, records }] }] },
  )
}

/** Records that no broker may append, and what it must answer. */
export interface BadRecords {
  readonly name: string
  /** What Kafka answers; where it has no answer of its own, what this broker does. */
  readonly errorCode: ErrorCode
  readonly records: () => Buffer | null
}

/** Long ago for every test's clock. */
const TIMESTAMP = 1_700_000_000_000
const RECORDS = [{ value: Buffer.from('never to be read'), timestamp: TIMESTAMP }] as const
const COMPRESSING = ['gzip', 'snappy', 'lz4', 'zstd'] as const
/** More than a batch may decompress to. */
const BOMB_BYTES = 101 * 1024 * 1024
/** Snappy makes zeros no smaller than a twenty-second part: this many are too large for `message.max.bytes` as they are. */
const SNAPPY_BOMB_BYTES = 32 * 1024 * 1024

const HEADER: BatchHeader = {
  baseOffset: 0,
  lastOffsetDelta: 0,
  partitionLeaderEpoch: -1,
  attributes: 0,
  baseTimestamp: TIMESTAMP,
  maxTimestamp: TIMESTAMP,
  producerId: -1,
  producerEpoch: -1,
  baseSequence: -1,
  recordCount: 1,
}

/** A good batch with one thing changed, and the checksum as if it had been written so. */
export function forged(change: (batch: Buffer) => void): Buffer {
  const batch = buildBatch({ records: RECORDS })
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
  return batch
}

function counting(recordCount: number, lastOffsetDelta = recordCount - 1): Buffer {
  return forged(batch => {
    batch.writeInt32BE(recordCount, at.RECORD_COUNT_AT)
    batch.writeInt32BE(lastOffsetDelta, at.LAST_OFFSET_DELTA_AT)
  })
}

function ofLength(length: number): Buffer {
  return forged(batch => batch.writeInt32BE(length, at.LENGTH_AT))
}

function ofMagic(magic: number): Buffer {
  return forged(batch => batch.writeInt8(magic, at.MAGIC_AT))
}

function withAttributes(attributes: number): Buffer {
  return forged(batch => batch.writeInt16BE(attributes, at.ATTRIBUTES_AT))
}

function bomb(codec: CompressionCodec): Buffer {
  return assembleBatch(HEADER, codec, Buffer.alloc(codec === 'snappy' ? SNAPPY_BOMB_BYTES : BOMB_BYTES))
}

/** A raw snappy block that says it holds 4 GiB. */
function snappyLie(): Buffer {
  const block = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61])
  const batch = assembleBatch(HEADER, 'none', block)
  batch.writeInt16BE(compressionId('snappy'), at.ATTRIBUTES_AT)
  batch.writeUInt32BE(crc32c(batch.subarray(at.ATTRIBUTES_AT)), at.CRC_AT)
  return batch
}

/** What costs little to refuse. */
export const BAD_RECORDS: readonly BadRecords[] = [
  {
    name: 'a wrong checksum',
    errorCode: ErrorCode.CORRUPT_MESSAGE,
    records: () => {
      const batch = forged(() => undefined)
      const lastOfValue = batch.length - 2 // nothing but the checksum can tell
      batch.writeUInt8(batch.readUInt8(lastOfValue) ^ 1, lastOfValue)
      return batch
    },
  },
  { name: 'a record too many announced', errorCode: ErrorCode.INVALID_RECORD, records: () => counting(2) },
  { name: 'a record count beyond its offsets', errorCode: ErrorCode.INVALID_RECORD, records: () => counting(2, 0) },
  { name: 'a record count of 2^31 - 1', errorCode: ErrorCode.INVALID_RECORD, records: () => counting(2_147_483_647) },
  { name: 'a negative record count', errorCode: ErrorCode.INVALID_RECORD, records: () => counting(-1, 0) },
  { name: 'no record', errorCode: ErrorCode.INVALID_RECORD, records: () => counting(0, 0) },
  {
    name: 'fewer records announced than there are',
    errorCode: ErrorCode.INVALID_RECORD,
    records: () => assembleBatch(HEADER, 'none', buildBatch({ records: [...RECORDS, ...RECORDS] }).subarray(61)),
  },
  { name: 'a batch length below the smallest', errorCode: ErrorCode.CORRUPT_MESSAGE, records: () => ofLength(10) },
  { name: 'a negative batch length', errorCode: ErrorCode.CORRUPT_MESSAGE, records: () => ofLength(-1) },
  { name: 'a batch longer than its bytes', errorCode: ErrorCode.INVALID_RECORD, records: () => ofLength(1_000_000) },
  {
    name: 'two batches',
    errorCode: ErrorCode.INVALID_RECORD,
    records: () => Buffer.concat([forged(() => undefined), forged(() => undefined)]),
  },
  { name: 'no batch', errorCode: ErrorCode.INVALID_RECORD, records: () => Buffer.alloc(0) },
  { name: 'null instead of records', errorCode: ErrorCode.INVALID_RECORD, records: () => null },
  { name: 'the message format 0', errorCode: ErrorCode.INVALID_RECORD, records: () => ofMagic(0) },
  { name: 'the message format 1', errorCode: ErrorCode.INVALID_RECORD, records: () => ofMagic(1) },
  { name: 'a message format of the future', errorCode: ErrorCode.CORRUPT_MESSAGE, records: () => ofMagic(3) },
  { name: 'a negative message format', errorCode: ErrorCode.CORRUPT_MESSAGE, records: () => ofMagic(-1) },
  {
    name: 'a control batch',
    errorCode: ErrorCode.INVALID_RECORD,
    records: () => withAttributes(at.CONTROL_FLAG),
  },
  {
    name: 'a base offset',
    errorCode: ErrorCode.INVALID_RECORD,
    records: () => forged(batch => batch.writeBigInt64BE(5n, at.BASE_OFFSET_AT)),
  },
  {
    name: 'a producer id without a sequence',
    errorCode: ErrorCode.INVALID_RECORD,
    records: () => forged(batch => batch.writeBigInt64BE(5n, at.PRODUCER_ID_AT)),
  },
  {
    name: 'a timestamp far in the future',
    errorCode: ErrorCode.INVALID_TIMESTAMP,
    records: () => buildBatch({ records: [{ value: Buffer.from('v'), timestamp: TIMESTAMP * 2 }] }),
  },
  {
    name: 'a codec that does not exist',
    errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    records: () => withAttributes(7),
  },
  {
    name: 'a snappy block that says it holds 4 GiB',
    errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
    records: snappyLie,
  },
  ...COMPRESSING.map(codec => ({
    name: `bytes that are no ${codec}`,
    errorCode: ErrorCode.UNKNOWN_SERVER_ERROR,
    records: () => withAttributes(compressionId(codec)),
  })),
]

/** Bytes that decompress to more than a batch may hold. They cost real time to make and to refuse. */
export const BOMBS: readonly BadRecords[] = COMPRESSING.map(codec => {
  let batch: Buffer | undefined
  return {
    name: `a ${codec} bomb`,
    errorCode: ErrorCode.MESSAGE_TOO_LARGE,
    records: () => {
      batch ??= bomb(codec)
      return batch
    },
  }
})
