import { describe, expect, test } from 'vitest'
import { batches, buildBatch, CorruptRecordError, InvalidRecordError } from '../../../src/protocol/records/batch.ts'
import { recordsOf } from './support.ts'

const first = buildBatch({ records: recordsOf('a', 'b') })
const second = buildBatch({ records: recordsOf('c'), baseOffset: 2 })

describe('batches', () => {
  test('yields complete batches in order', () => {
    const found = [...batches(Buffer.concat([first, second]))]

    expect(found.map(batch => [batch.position, batch.baseOffset])).toEqual([
      [0, 0],
      [first.length, 2],
    ])
  })

  test('ends silently at a truncated tail of any length', () => {
    for (let cut = 0; cut < second.length; cut++) {
      expect([...batches(Buffer.concat([first, second.subarray(0, cut)]))]).toHaveLength(1)
    }
  })

  test.each([-1, 0, 13, 48])('refuses a batch of size %d', size => {
    const bytes = Buffer.from(second)
    bytes.writeInt32BE(size, 8)

    expect(() => [...batches(Buffer.concat([first, bytes]))]).toThrow(CorruptRecordError)
  })

  test.each([-1, 3, 127])('refuses magic %d, which does not exist', magic => {
    const bytes = Buffer.from(second)
    bytes.writeInt8(magic, 16)

    expect(() => [...batches(bytes)]).toThrow(CorruptRecordError)
  })

  test.each([0, 1])('refuses magic %d, which Kafka dropped', magic => {
    const bytes = Buffer.from(second)
    bytes.writeInt8(magic, 16)

    expect(() => [...batches(bytes)]).toThrow(InvalidRecordError)
  })
})
