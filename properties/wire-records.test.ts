import { crc32c } from '@node-rs/crc32'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  batches,
  buildBatch,
  COMPRESSION_CODECS,
  RecordBatchView,
  RecordsError,
  validateBatch,
} from '../src/protocol/records/batch.ts'
import { decompress } from '../src/protocol/records/compression/codec.ts'

const MIB = 1_048_576
const LIMIT_BYTES = MIB

const bytes = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))
const nullableBytes = fc.option(bytes, { nil: null })
const timestamp = fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 8_640_000_000_000_000 / 2 }))
const record = fc.record({
  key: nullableBytes,
  value: fc.oneof(
    nullableBytes,
    fc.nat(20_000).map(length => Buffer.alloc(length, 'again and ')),
  ),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: nullableBytes }), { maxLength: 4 }),
  timestamp,
})
const codec = fc.constantFrom(...COMPRESSION_CODECS)
const batchOptions = fc.record({
  records: fc.array(record, { minLength: 1, maxLength: 20 }),
  baseOffset: fc.maxSafeNat().map(offset => Math.floor(offset / 2)),
  partitionLeaderEpoch: fc.integer({ min: -1, max: 2_147_483_647 }),
  compression: codec,
  producerId: fc.integer({ min: -1, max: Number.MAX_SAFE_INTEGER }),
  producerEpoch: fc.integer({ min: -1, max: 32_767 }),
  baseSequence: fc.integer({ min: -1, max: 2_147_483_647 }),
  isTransactional: fc.boolean(),
  isControl: fc.boolean(),
})

describe('record batches', () => {
  test('are read as they were written, whatever is in them', () => {
    fc.assert(
      fc.property(batchOptions, options => {
        const { records, baseOffset, ...header } = options

        const built = buildBatch(options)
        const [view, ...others] = [...batches(Buffer.concat([built, built.subarray(0, built.length - 1)]))]

        expect(others).toEqual([])
        expect(view?.isValidCrc()).toBe(true)
        expect(view).toMatchObject({
          ...header,
          baseOffset,
          lastOffset: baseOffset + records.length - 1,
          recordCount: records.length,
          maxTimestamp: Math.max(...records.map(({ timestamp }) => timestamp)),
        })
        const read = [...(view?.records() ?? [])]
        expect(read).toEqual(
          records.map((record, index) => ({
            ...record,
            offset: baseOffset + index,
            sizeInBytes: read[index]?.sizeInBytes,
          })),
        )
      }),
    )
  })

  test('say the same after the leader wrote them with another codec', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), codec, codec, (records, compression, target) => {
        const view = new RecordBatchView(buildBatch({ records, compression }), 0)

        const { batch } = validateBatch(view, { nowMs: Number.MAX_SAFE_INTEGER - 1, targetCompression: target })

        expect(batch.isValidCrc()).toBe(true)
        expect(batch.compression).toBe(target)
        expect([...batch.records()]).toEqual([...view.records()])
      }),
    )
  })
})

describe('hostile bytes', () => {
  test('of any kind are a typed error or records that their bytes can hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), array => {
        readAll(Buffer.from(array))
      }),
      { numRuns: 2_000 },
    )
  })

  test('in a batch with a right checksum neither crash nor hang the reader, and never make much of little', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 })

    fc.assert(
      fc.property(batchOptions, edits, fc.nat(), (options, changes, cut) => {
        const damaged = buildBatch(options)
        for (const [at, value] of changes) damaged[at % damaged.length] = value
        const length = cut % 4 === 0 ? cut % damaged.length : damaged.length
        const sealed = Buffer.from(damaged.subarray(0, length))
        if (sealed.length > 21) sealed.writeUInt32BE(crc32c(sealed.subarray(21)), 17)

        readAll(sealed)
      }),
      { numRuns: 2_000 },
    )
  })

  test('given to a codec are a typed error or at most as much as the limit', () => {
    const framed = fc.tuple(
      fc.constantFrom('', '82534e41505059000000000100000001', '04224d18604082', '1f8b08000000000000ff', '28b52ffd'),
      fc.uint8Array({ maxLength: 500 }),
    )

    fc.assert(
      fc.property(codec, framed, (codec, [prefix, rest]) => {
        const input = Buffer.concat([Buffer.from(prefix, 'hex'), rest])
        const output = allowing(() => decompress(codec, input, LIMIT_BYTES))

        if (output !== null) expect(output.length).toBeLessThanOrEqual(LIMIT_BYTES)
      }),
      { numRuns: 3_000 },
    )
  })
})

/** Does with bytes all that a broker does; only typed errors may come out. */
function readAll(input: Buffer): void {
  allowing(() => {
    for (const view of batches(input)) {
      let payloadBytes = 0
      allowing(() => {
        for (const record of view.records(LIMIT_BYTES)) payloadBytes += record.sizeInBytes
      })
      expect(payloadBytes).toBeLessThanOrEqual(Math.max(LIMIT_BYTES, input.length))
      allowing(() => validateBatch(view, { nowMs: 0, decompressionLimitBytes: LIMIT_BYTES, targetCompression: 'gzip' }))
    }
  })
}

/** The call's result, null when it throws one of the errors of record batches; any other error leaves. */
function allowing<T>(call: () => T): T | null {
  try {
    return call()
  } catch (error) {
    if (error instanceof RecordsError) return null
    throw error
  }
}
