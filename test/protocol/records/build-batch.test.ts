import { describe, expect, test } from 'vitest'
import { buildBatch, COMPRESSION_CODECS, RecordBatchView } from '../../../src/protocol/records/batch.ts'
import { NOW_MS, recordsOf } from './support.ts'

describe('buildBatch', () => {
  test.each(COMPRESSION_CODECS)('writes with codec %s what is read back', compression => {
    const records = [
      { key: null, value: null, headers: [], timestamp: NOW_MS },
      {
        key: Buffer.alloc(0),
        value: Buffer.alloc(70_000, 'repetitive '),
        headers: [
          { key: 'ключ', value: Buffer.from([0, 255]) },
          { key: '', value: null },
        ],
        timestamp: NOW_MS - 100_000_000_000,
      },
      { key: Buffer.from('k'), value: Buffer.from('v'), headers: [], timestamp: -1 },
    ]

    const view = new RecordBatchView(buildBatch({ records, baseOffset: 42, compression }), 0)

    expect(view.isValidCrc()).toBe(true)
    expect(view.maxTimestamp).toBe(NOW_MS)
    expect([...view.records()]).toEqual(
      records.map((record, index) => ({ ...record, offset: 42 + index, sizeInBytes: expect.any(Number) })),
    )
  })

  test('keeps gaps between offsets, as compaction leaves them', () => {
    const [a, b] = recordsOf('a', 'b')
    if (a === undefined || b === undefined) throw new Error('two records were made')

    const bytes = buildBatch({
      records: [
        { ...a, offset: 12 },
        { ...b, offset: 17 },
      ],
      baseOffset: 10,
      lastOffset: 20,
    })

    const view = new RecordBatchView(bytes, 0)
    expect([...view.records()].map(record => record.offset)).toEqual([12, 17])
    expect(view).toMatchObject({ baseOffset: 10, lastOffset: 20, recordCount: 2 })
  })

  test.each([
    [
      'goes back',
      {
        records: [
          { timestamp: 0, offset: 3 },
          { timestamp: 0, offset: 3 },
        ],
      },
    ],
    ['is before the base offset', { records: [{ timestamp: 0, offset: 3 }], baseOffset: 4 }],
    ['is too far from the base offset', { records: [{ timestamp: 0, offset: 2_147_483_648 }] }],
    ['lies behind the last offset', { records: [{ timestamp: 0, offset: 3 }], lastOffset: 2 }],
  ])('refuses an offset that %s', (_, options) => {
    expect(() => buildBatch(options)).toThrow(RangeError)
  })

  test('refuses timestamps too far apart to be written', () => {
    const records = [{ timestamp: -1 }, { timestamp: Number.MAX_SAFE_INTEGER }]

    expect(() => buildBatch({ records })).toThrow(RangeError)
  })
})
