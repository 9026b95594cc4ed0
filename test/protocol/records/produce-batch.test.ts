import { describe, expect, test } from 'vitest'
import {
  buildBatch,
  InvalidRecordError,
  produceBatch,
  UnsupportedCompressionError,
} from '../../../src/protocol/records/batch.ts'
import { recordsOf } from './support.ts'

const batch = buildBatch({ records: recordsOf('a') })

describe('produceBatch', () => {
  test('returns the one batch of a partition', () => {
    expect(produceBatch(batch, 3).recordCount).toBe(1)
  })

  test.each([
    ['null', null],
    ['no bytes', Buffer.alloc(0)],
    ['half a batch', batch.subarray(0, 40)],
    ['two batches', Buffer.concat([batch, batch])],
  ])('refuses %s', (_, records) => {
    expect(() => produceBatch(records, 9)).toThrow(InvalidRecordError)
  })

  test('takes zstd since Produce 7 only', () => {
    const zstd = buildBatch({ records: recordsOf('a'), compression: 'zstd' })

    expect(produceBatch(zstd, 7).compression).toBe('zstd')
    expect(() => produceBatch(zstd, 6)).toThrow(UnsupportedCompressionError)
  })
})
