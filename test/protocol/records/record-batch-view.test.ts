import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  CorruptRecordError,
  InvalidRecordError,
  RecordBatchView,
  UnsupportedCompressionError,
} from '../../../src/protocol/records/batch.ts'
import { NOW_MS, payloadOf, recordsOf, sealed, viewOf, viewOfPayload } from './support.ts'

describe('RecordBatchView', () => {
  test('reads every field of the header', () => {
    const bytes = buildBatch({
      records: recordsOf('a', 'b', 'c'),
      baseOffset: 9_007_199_254_740_000,
      partitionLeaderEpoch: 7,
      compression: 'lz4',
      timestampType: 'LogAppendTime',
      producerId: 4_294_967_297,
      producerEpoch: 5,
      baseSequence: 2_147_483_646,
      isTransactional: true,
      isControl: true,
    })

    const view = new RecordBatchView(Buffer.concat([Buffer.alloc(5), bytes]), 5)

    expect(view).toMatchObject({
      position: 5,
      baseOffset: 9_007_199_254_740_000,
      lastOffset: 9_007_199_254_740_002,
      nextOffset: 9_007_199_254_740_003,
      sizeInBytes: bytes.length,
      partitionLeaderEpoch: 7,
      magic: 2,
      attributes: 0b111011,
      compression: 'lz4',
      timestampType: 'LogAppendTime',
      isTransactional: true,
      isControl: true,
      deleteHorizonMs: null,
      lastOffsetDelta: 2,
      baseTimestamp: NOW_MS,
      maxTimestamp: NOW_MS + 2,
      producerId: 4_294_967_297,
      producerEpoch: 5,
      baseSequence: 2_147_483_646,
      lastSequence: 0,
      recordCount: 3,
      hasProducerId: true,
    })
    expect(view.bytes().equals(bytes)).toBe(true)
  })

  test('has no sequence without a producer', () => {
    expect(viewOf('a')).toMatchObject({ producerId: -1, baseSequence: -1, lastSequence: -1, hasProducerId: false })
  })

  test('reads the delete horizon where it is set', () => {
    const bytes = buildBatch({ records: recordsOf('a') })
    bytes.writeInt16BE(0x40, 21)

    expect(new RecordBatchView(bytes, 0).deleteHorizonMs).toBe(NOW_MS)
  })

  test.each([
    ['shorter than a header', (bytes: Buffer) => bytes.subarray(0, 60)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1)],
    ['of negative size', (bytes: Buffer) => edit(bytes, 8, -1)],
    ['of a size below its header', (bytes: Buffer) => edit(bytes, 8, 48)],
    [
      'of an older magic',
      (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 16), Buffer.from([1]), bytes.subarray(17)]),
    ],
  ])('refuses bytes %s', (_, change) => {
    const bytes = change(buildBatch({ records: recordsOf('a') }))

    expect(() => new RecordBatchView(bytes, 0)).toThrow(CorruptRecordError)
  })

  test('refuses a field that a number cannot hold', () => {
    const bytes = buildBatch({ records: recordsOf('a') })
    bytes.writeBigInt64BE(0x20000000000000n, 43)

    expect(() => new RecordBatchView(bytes, 0).producerId).toThrow(CorruptRecordError)
    expect(() => new RecordBatchView(bytes, 0).producerId).toThrow('producerId 9007199254740992')
  })

  test('refuses a codec that does not exist', () => {
    const view = viewOfPayload(payloadOf('a'), 1, 5)

    expect(() => view.compression).toThrow(UnsupportedCompressionError)
    expect(() => [...view.records()]).toThrow(UnsupportedCompressionError)
  })

  test('sees a flipped bit in what the checksum covers, and only there', () => {
    const bytes = buildBatch({ records: recordsOf('a') })
    const detected = [...bytes.keys()].filter(at => {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      return at >= 17 && !new RecordBatchView(damaged, 0).isValidCrc()
    })

    expect(detected).toEqual([...bytes.keys()].slice(17))
    expect(new RecordBatchView(bytes, 0).isValidCrc()).toBe(true)
  })

  test('takes offset and leader epoch without a new checksum', () => {
    const view = viewOf('a', 'b')
    const { crc } = view

    view.setBaseOffset(6_000_000_000)
    view.setPartitionLeaderEpoch(12)

    expect(view).toMatchObject({ baseOffset: 6_000_000_000, lastOffset: 6_000_000_001, partitionLeaderEpoch: 12, crc })
    expect([...view.records()].map(record => record.offset)).toEqual([6_000_000_000, 6_000_000_001])
    expect(view.isValidCrc()).toBe(true)
  })

  test('gives all records the time of the append', () => {
    const view = viewOf('a', 'b')

    view.setLogAppendTime(NOW_MS + 500)

    expect(view).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: NOW_MS + 500, compression: 'none' })
    expect([...view.records()].map(record => record.timestamp)).toEqual([NOW_MS + 500, NOW_MS + 500])
    expect(view.isValidCrc()).toBe(true)
  })

  test('does not compute a checksum again when the timestamps stay', () => {
    const view = viewOf('a')
    view.buffer.writeUInt32BE(1, 17)

    view.setMaxTimestamp('CreateTime', NOW_MS)

    expect(view.crc).toBe(1)
  })

  test('does not copy keys and values', () => {
    const bytes = buildBatch({ records: [{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: NOW_MS }] })

    const [record] = [...new RecordBatchView(bytes, 0).records()]

    expect(record?.key?.buffer).toBe(bytes.buffer)
    expect(record?.value?.buffer).toBe(bytes.buffer)
  })

  test('reads a batch that compaction emptied', () => {
    const bytes = buildBatch({ records: [], baseOffset: 10, lastOffset: 14, producerId: 3, compression: 'gzip' })
    const view = new RecordBatchView(bytes, 0)

    expect([...view.records()]).toEqual([])
    expect(view).toMatchObject({ baseOffset: 10, lastOffset: 14, recordCount: 0 })
  })
})

describe('the records of a batch', () => {
  const [one, two] = [payloadOf('a'), payloadOf('a', 'b')]

  test.each([
    ['a negative count', two, -1],
    ['more records than there are', two, 3],
    ['fewer records than there are', two, 1],
    ['more records than could be there', two, 2_000_000_000],
    ['a record longer than the batch', replace(one, 0, 0x7f), 1],
    ['a record of negative length', replace(one, 0, 0x01), 1],
    ['a record shorter than its fields', replace(one, 0, (one.length - 2) * 2), 1],
    ['a length that never ends', Buffer.alloc(20, 0xff), 1],
    ['a timestamp that never ends', Buffer.from(`2600${'ff'.repeat(10)}00010001000000`, 'hex'), 1],
    ['a key longer than the record', replace(one, 4, 0x40), 1],
    ['a value longer than the record', replace(one, 5, 0x40), 1],
    ['a negative count of headers', replace(one, 7, 0x01), 1],
    ['more headers than bytes', replace(one, 7, 0x7e), 1],
    ['a header without a key', Buffer.from('1200000001010201010000', 'hex').subarray(0, 10), 1],
  ])('are refused for %s', (_, payload, count) => {
    expect(() => [...viewOfPayload(payload, count).records()]).toThrow(InvalidRecordError)
  })

  test('say which record is malformed and where', () => {
    const payload = Buffer.from(two)
    payload[one.length + 4] = 0x40

    expect(() => [...viewOfPayload(payload, 2).records()]).toThrow(
      /^record 1 of 2, byte \d+: key length 32 where 3 bytes are left in the record$/,
    )
  })

  test('are refused when an offset cannot be held by a number', () => {
    const bytes = buildBatch({ records: recordsOf('a', 'b') })
    const view = sealed(bytes)
    view.setBaseOffset(Number.MAX_SAFE_INTEGER)

    expect(() => [...view.records()]).toThrow(InvalidRecordError)
  })

  test('read any negative length as null, as Kafka does', () => {
    // length 6, attributes, timestamp 0, offset 0, key length -2, value length -3, no headers
    const [record] = [...viewOfPayload(Buffer.from('0c000000030500', 'hex'), 1).records()]

    expect(record).toMatchObject({ key: null, value: null, headers: [], sizeInBytes: 7 })
  })
})

function edit(bytes: Buffer, position: number, value: number): Buffer {
  bytes.writeInt32BE(value, position)
  return bytes
}

function replace(payload: Buffer, position: number, value: number): Buffer {
  const copy = Buffer.from(payload)
  copy[position] = value
  return copy
}
