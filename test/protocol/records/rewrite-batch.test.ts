import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  COMPRESSION_CODECS,
  emptiedBatch,
  RecordBatchView,
  type RetainedRecord,
  retainRecords,
} from '../../../src/protocol/records/batch.ts'
import { NOW_MS, recordsOf } from './support.ts'

const PRODUCER = { producerId: 7, producerEpoch: 2, baseSequence: 40 }

/** The batch's records at these places. */
function retained(batch: RecordBatchView, ...deltas: readonly number[]): RetainedRecord[] {
  const found: RetainedRecord[] = []
  const timestamps = [...batch.records()].map(record => record.timestamp)
  const cursor = batch.cursor()
  for (let index = 0; cursor.next(); index++) {
    const { offsetDelta, afterOffsetDelta } = cursor
    if (deltas.includes(offsetDelta)) found.push({ timestamp: timestamps[index] ?? -1, offsetDelta, afterOffsetDelta })
  }
  return found
}

describe('a batch of which some records are retained', () => {
  test.each(COMPRESSION_CODECS)('keeps offsets, sequence numbers, epochs and codec %s', compression => {
    const bytes = buildBatch({ records: recordsOf('a', 'b', 'c', 'd'), baseOffset: 100, compression, ...PRODUCER })
    const batch = new RecordBatchView(bytes, 0)
    batch.setPartitionLeaderEpoch(5)
    const [, second, third] = [...batch.records()]

    const rewritten = retainRecords(batch, retained(batch, 1, 2), null)

    expect([...rewritten.records()]).toEqual([
      { ...second, sizeInBytes: expect.any(Number) },
      { ...third, sizeInBytes: expect.any(Number) },
    ])
    expect(rewritten.isValidCrc()).toBe(true)
    expect([rewritten.baseOffset, rewritten.lastOffset, rewritten.partitionLeaderEpoch]).toEqual([100, 103, 5])
    expect([rewritten.producerId, rewritten.producerEpoch, rewritten.lastSequence]).toEqual([7, 2, 43])
    expect(rewritten.compression).toBe(compression)
    expect(rewritten.deleteHorizonMs).toBeNull()
  })

  test('carries the delete horizon in place of the base timestamp, and its records keep their time', () => {
    const records = [
      { key: Buffer.from('k'), value: null, timestamp: NOW_MS },
      { key: Buffer.from('l'), value: null, timestamp: NOW_MS - 5000 },
      { key: Buffer.from('m'), value: null, timestamp: -1 },
    ]
    const batch = new RecordBatchView(buildBatch({ records }), 0)

    const marked = retainRecords(batch, retained(batch, 0, 1, 2), NOW_MS + 86_400_000)
    const again = retainRecords(marked, retained(marked, 1), marked.deleteHorizonMs)

    expect(marked.deleteHorizonMs).toBe(NOW_MS + 86_400_000)
    expect([...marked.records()].map(record => record.timestamp)).toEqual([NOW_MS, NOW_MS - 5000, -1])
    expect(marked.maxTimestamp).toBe(NOW_MS)
    expect(again.deleteHorizonMs).toBe(NOW_MS + 86_400_000)
    expect([...again.records()].map(record => record.timestamp)).toEqual([NOW_MS - 5000])
    expect(again.maxTimestamp).toBe(NOW_MS - 5000)
  })

  test('keeps the time of the append on all records where that is the topic’s time', () => {
    const batch = new RecordBatchView(buildBatch({ records: recordsOf('a', 'b', 'c') }), 0)
    batch.setLogAppendTime(NOW_MS + 77)

    const rewritten = retainRecords(batch, retained(batch, 2), null)

    expect(rewritten.timestampType).toBe('LogAppendTime')
    expect([...rewritten.records()].map(record => record.timestamp)).toEqual([NOW_MS + 77])
  })
})

test('an emptied batch still tells its offsets, its producer and its largest timestamp', () => {
  const bytes = buildBatch({ records: recordsOf('a', 'b'), baseOffset: 9, compression: 'gzip', ...PRODUCER })
  const batch = new RecordBatchView(bytes, 0)

  const emptied = emptiedBatch(batch)

  expect([...emptied.records()]).toEqual([])
  expect(emptied.isValidCrc()).toBe(true)
  expect([emptied.baseOffset, emptied.lastOffset, emptied.recordCount, emptied.sizeInBytes]).toEqual([9, 10, 0, 61])
  expect([emptied.producerId, emptied.producerEpoch, emptied.lastSequence]).toEqual([7, 2, 41])
  expect([emptied.compression, emptied.baseTimestamp, emptied.maxTimestamp]).toEqual(['none', -1, batch.maxTimestamp])
})
