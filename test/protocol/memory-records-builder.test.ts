import { describe, expect, test } from 'vitest'
import { BATCH_OVERHEAD, buildBatch, RecordBatchView } from '../../src/protocol/records/batch.ts'
import {
  estimateSizeInBytesUpperBound,
  MemoryRecordsBuilder,
  type MemoryRecordsBuilderOptions,
} from '../../src/protocol/records/memory-records-builder.ts'

function builder(options: Partial<MemoryRecordsBuilderOptions> = {}): MemoryRecordsBuilder {
  return new MemoryRecordsBuilder({ compression: 'none', writeLimit: 1000, estimatedCompressionRatio: 1, ...options })
}

function record(text: string, timestamp = 1000) {
  return { key: null, value: Buffer.from(text), headers: [{ key: 'h', value: Buffer.from('1') }], timestamp }
}

describe('a batch that grows', () => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'is what is built at once, with codec %s',
    compression => {
      const records = [record('a', 1000), record('b', 900), record('c', 2000)]
      const grown = builder({ compression })
      for (const each of records) grown.append(each)
      const producer = { producerId: 7, producerEpoch: 1, baseSequence: 5 }
      grown.setProducerState({ ...producer, isTransactional: false })
      expect(grown.build().equals(buildBatch({ records, compression, ...producer }))).toBe(true)
    },
  )

  test('knows its size while it grows, and is full at its limit', () => {
    const grown = builder({ writeLimit: 200 })
    expect(grown.hasRoomFor(record('x'.repeat(500)))).toBe(true)
    for (let count = 0; grown.hasRoomFor(record('x'.repeat(20))); count++) {
      grown.append(record('x'.repeat(20)))
      expect(count).toBeLessThan(20)
    }
    expect(grown.estimatedSizeInBytes).toBe(grown.build().length)
    expect(grown.estimatedSizeInBytes).toBeLessThanOrEqual(200)
    expect(grown.recordCount).toBe(4)
  })

  test('takes one record whatever its size', () => {
    const grown = builder({ writeLimit: 100 })
    grown.append(record('x'.repeat(500)))
    expect(grown.isFull).toBe(true)
    expect(grown.hasRoomFor(record('y'))).toBe(false)
  })

  test('takes more when its records are expected to be compressed well', () => {
    const room = (estimatedCompressionRatio: number) => {
      const grown = builder({ compression: 'gzip', writeLimit: 500, estimatedCompressionRatio })
      while (grown.hasRoomFor(record('x'.repeat(20)))) grown.append(record('x'.repeat(20)))
      return grown.recordCount
    }
    expect(room(0.5)).toBeGreaterThan(1.8 * room(1))
  })

  test('keeps what was appended when the bytes change afterwards', () => {
    const grown = builder()
    const value = Buffer.from('before')
    grown.append({ value, timestamp: 1 })
    value.write('AFTER!')
    expect([...new RecordBatchView(grown.build(), 0).records()][0]?.value?.toString()).toBe('before')
  })

  test('can be given another sequence number when it is closed, but no more records', () => {
    const grown = builder()
    grown.append(record('a'))
    grown.setProducerState({ producerId: 7, producerEpoch: 1, baseSequence: 5, isTransactional: false })
    const first = grown.build()
    expect(() => grown.append(record('b'))).toThrow('closed for record appends')
    grown.reopenAndRewriteProducerState({ producerId: 7, producerEpoch: 2, baseSequence: 0, isTransactional: false })
    const second = new RecordBatchView(grown.build(), 0)
    expect([second.producerEpoch, second.baseSequence, second.isValidCrc()]).toEqual([2, 0, true])
    expect(new RecordBatchView(first, 0).baseSequence).toBe(5)
  })

  test('the upper bound of a size holds', () => {
    const grown = builder()
    const large = { ...record('x'.repeat(300)), key: Buffer.from('key'), timestamp: 1e12 }
    grown.append(large)
    expect(estimateSizeInBytesUpperBound(large)).toBeGreaterThanOrEqual(grown.build().length)
    expect(estimateSizeInBytesUpperBound(large)).toBeLessThan(grown.build().length + BATCH_OVERHEAD)
  })
})
