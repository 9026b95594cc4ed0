import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  COMPRESSION_CODECS,
  CorruptRecordError,
  DecompressedTooLargeError,
  DecompressionError,
  encodeControlKey,
  InvalidRecordError,
  InvalidTimestampError,
  RecordBatchView,
  validateBatch,
} from '../../../src/protocol/records/batch.ts'
import { compress, compressionId } from '../../../src/protocol/records/compression/codec.ts'
import { NOW_MS, payloadOf, recordsOf, sealed, viewOf, viewOfPayload } from './support.ts'

const rules = { nowMs: NOW_MS }

describe('validateBatch', () => {
  test('passes a sound batch as it is', () => {
    const view = viewOf('a', 'b', 'c')
    const before = Buffer.from(view.bytes())

    const validated = validateBatch(view, rules)

    expect(validated).toMatchObject({
      recordCount: 3,
      maxTimestamp: NOW_MS + 2,
      maxTimestampOffsetDelta: 2,
      rewritten: false,
    })
    expect(validated.batch).toBe(view)
    expect(view.bytes().equals(before)).toBe(true)
  })

  test('refuses a wrong checksum', () => {
    const view = viewOf('a')
    view.buffer.writeUInt32BE(1, 17)

    expect(() => validateBatch(view, rules)).toThrow(CorruptRecordError)
  })

  test.each([
    ['a base offset', (bytes: Buffer) => bytes.writeInt32BE(1, 4)],
    ['a negative last offset delta', (bytes: Buffer) => bytes.writeInt32BE(-1, 23)],
    ['no records', (bytes: Buffer) => bytes.writeInt32BE(0, 57)],
    ['a count that is not that of the offsets', (bytes: Buffer) => bytes.writeInt32BE(2, 23)],
    ['the control flag', (bytes: Buffer) => bytes.writeInt16BE(0x20, 21)],
    ['a producer id but no sequence', (bytes: Buffer) => bytes.writeBigInt64BE(1n, 43)],
  ])('refuses a client batch with %s', (_, change) => {
    const bytes = buildBatch({ records: recordsOf('a', 'b') })
    change(bytes)

    expect(() => validateBatch(sealed(bytes), rules)).toThrow(InvalidRecordError)
  })

  test('lets coordinators write control records', () => {
    const records = [{ key: encodeControlKey('COMMIT'), value: Buffer.alloc(6), timestamp: NOW_MS }]
    const bytes = buildBatch({ records, isControl: true, isTransactional: true, producerId: 1, producerEpoch: 0 })
    const view = new RecordBatchView(bytes, 0)

    const validated = validateBatch(view, { ...rules, origin: 'coordinator', targetCompression: 'gzip' })

    expect(validated.batch).toBe(view)
  })

  test('refuses bytes after the last record', () => {
    const view = viewOfPayload(Buffer.concat([payloadOf('a'), Buffer.from([0])]), 1)

    expect(() => validateBatch(view, rules)).toThrow(InvalidRecordError)
  })

  test('names the records without a key on a compacted topic', () => {
    const records = [{ timestamp: NOW_MS }, { key: Buffer.from('k'), timestamp: NOW_MS }, { timestamp: NOW_MS }]
    const view = new RecordBatchView(buildBatch({ records }), 0)

    const message = 'a compacted topic cannot accept a message without a key'
    expect(refusal(() => validateBatch(view, { ...rules, compacted: true }))).toMatchObject({
      name: 'InvalidRecordError',
      code: 87,
      recordErrors: [
        { batchIndex: 0, message },
        { batchIndex: 2, message },
      ],
    })
  })

  test('names at most 100 records', () => {
    const view = viewOf(...Array.from({ length: 300 }, () => 'v'))

    const error = refusal(() => validateBatch(view, { ...rules, compacted: true })) as InvalidRecordError

    expect(error.recordErrors).toHaveLength(100)
    expect(error.message).toContain('300 record errors')
  })

  test.each([
    ['older', -1001],
    ['newer', 501],
  ])('refuses timestamps %s than the topic allows', (_, distance) => {
    const records = [{ timestamp: NOW_MS }, { timestamp: NOW_MS + distance }]
    const view = new RecordBatchView(buildBatch({ records }), 0)

    const limits = { ...rules, timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 500 }
    expect(refusal(() => validateBatch(view, limits))).toMatchObject({ code: 32, recordErrors: [{ batchIndex: 1 }] })
  })

  test('allows timestamps at the edge, and none at all', () => {
    const records = [{ timestamp: NOW_MS - 1000 }, { timestamp: NOW_MS + 500 }, { timestamp: -1 }]
    const view = new RecordBatchView(buildBatch({ records }), 0)

    const validated = validateBatch(view, { ...rules, timestampBeforeMaxMs: 1000, timestampAfterMaxMs: 500 })

    expect(validated).toMatchObject({ maxTimestamp: NOW_MS + 500, maxTimestampOffsetDelta: 1 })
  })

  test('refuses a producer that sets the time of the append', () => {
    const bytes = buildBatch({ records: recordsOf('a'), timestampType: 'LogAppendTime' })
    const view = new RecordBatchView(bytes, 0)

    expect(() => validateBatch(view, { ...rules, timestampType: 'LogAppendTime' })).toThrow(InvalidTimestampError)
  })

  test('sets the time of the append where the topic wants it', () => {
    const view = viewOf('a', 'b')

    const validated = validateBatch(view, { nowMs: NOW_MS + 77, timestampType: 'LogAppendTime' })

    expect(validated).toMatchObject({ maxTimestamp: NOW_MS + 77, maxTimestampOffsetDelta: 0, rewritten: false })
    expect(view.isValidCrc()).toBe(true)
    expect([...view.records()].map(record => record.timestamp)).toEqual([NOW_MS + 77, NOW_MS + 77])
  })

  test('puts a wrong maximum timestamp right', () => {
    const bytes = buildBatch({ records: recordsOf('a', 'b') })
    bytes.writeBigInt64BE(BigInt(NOW_MS + 1_000_000), 35)
    const view = sealed(bytes)

    validateBatch(view, rules)

    expect(view.maxTimestamp).toBe(NOW_MS + 1)
    expect(view.isValidCrc()).toBe(true)
  })

  test.each(COMPRESSION_CODECS)('rewrites to %s what came otherwise, and nothing but that', targetCompression => {
    const source = targetCompression === 'zstd' ? 'snappy' : 'zstd'
    const options = {
      producerId: 5,
      producerEpoch: 2,
      baseSequence: 9,
      isTransactional: true,
      compression: source,
    } as const
    const view = new RecordBatchView(buildBatch({ records: recordsOf('a', 'b'), ...options }), 0)

    const { batch, rewritten } = validateBatch(view, { ...rules, targetCompression })

    expect(rewritten).toBe(true)
    expect(batch.isValidCrc()).toBe(true)
    expect(batch).toMatchObject({
      compression: targetCompression,
      producerId: 5,
      producerEpoch: 2,
      baseSequence: 9,
      isTransactional: true,
      lastOffsetDelta: 1,
      recordCount: 2,
      baseTimestamp: NOW_MS,
      maxTimestamp: NOW_MS + 1,
    })
    expect([...batch.records()]).toEqual([...view.records()])
  })

  test.each(['none', 'gzip'] as const)(
    'counts offset deltas anew where a client counted wrong, with %s',
    compression => {
      const payload = Buffer.from(payloadOf('a', 'b', 'c'))
      // Every record takes the same bytes; its offset delta is the fourth of them.
      for (let index = 0; index < 3; index++) payload[(index * payload.length) / 3 + 3] = 0
      const view = viewOfPayload(compress(compression, payload), 3, compressionId(compression))

      const { batch, rewritten } = validateBatch(view, rules)

      expect(rewritten).toBe(true)
      expect(batch.isValidCrc()).toBe(true)
      expect(batch.compression).toBe(compression)
      expect([...batch.records()].map(record => [record.offset, record.value?.toString(), record.timestamp])).toEqual([
        [0, 'a', -1],
        [1, 'b', 0],
        [2, 'c', 1],
      ])
    },
  )

  test('refuses compressed bytes that are none', () => {
    const view = viewOfPayload(Buffer.from('this is not compressed'), 1, 1)

    expect(() => validateBatch(view, rules)).toThrow(DecompressionError)
  })

  test('refuses what decompresses to more than the limit', () => {
    const records = [{ value: Buffer.alloc(100_000), timestamp: NOW_MS }]
    const view = new RecordBatchView(buildBatch({ records, compression: 'gzip' }), 0)

    expect(() => validateBatch(view, { ...rules, decompressionLimitBytes: 10_000 })).toThrow(DecompressedTooLargeError)
  })
})

function refusal(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}
