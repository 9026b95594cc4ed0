import { describe, expect, test } from 'vitest'
import { compressSnappy, decompressSnappy } from '../../../../src/protocol/records/compression/snappy.ts'
import { DecompressedTooLargeError, DecompressionError } from '../../../../src/protocol/records/errors.ts'

const LIMIT = 1_000
const HEADER = '82534e41505059000000000100000001'
/** One literal: length 3, tag (3 − 1) << 2. */
const ABC = '0308616263'

describe('snappy', () => {
  test('is written as the Java client writes it', () => {
    expect(compressSnappy(Buffer.from('abc')).toString('hex')).toBe(`${HEADER}00000005${ABC}`)
  })

  test('is written in blocks of 32 KiB', () => {
    const compressed = compressSnappy(Buffer.alloc(70_000))

    const second = 20 + compressed.readInt32BE(16)
    const third = second + 4 + compressed.readInt32BE(second)
    expect(third + 4 + compressed.readInt32BE(third)).toBe(compressed.length)
  })

  test.each([
    ['raw', ABC, 'abc'],
    ['framed', `${HEADER}00000005${ABC}`, 'abc'],
    ['framed in several blocks', `${HEADER}00000005${ABC}00000005${ABC}`, 'abcabc'],
    ['framed of no block', HEADER, ''],
    ['raw of no bytes', '00', ''],
  ])('is read %s', (_, hex, text) => {
    expect(decompressSnappy(Buffer.from(hex, 'hex'), LIMIT).toString()).toBe(text)
  })

  test.each([
    ['a block length cut off', `${HEADER}0000`],
    ['a block cut off', `${HEADER}00000006${ABC}`],
    ['a negative block length', `${HEADER}ffffffff${ABC}`],
    ['a copy from before the start', '0a08616263150a'],
    ['no length', ''],
    ['a length that never ends', 'ffffffffffff'],
    ['more declared than the bytes can hold', 'ffff7f00'],
  ])('with %s is refused', (_, hex) => {
    expect(() => decompressSnappy(Buffer.from(hex, 'hex'), 100_000_000)).toThrow(DecompressionError)
  })

  test('counts the limit over all blocks', () => {
    const bytes = Buffer.from(`${HEADER}00000005${ABC}00000005${ABC}`, 'hex')

    expect(decompressSnappy(bytes, 6)).toHaveLength(6)
    expect(() => decompressSnappy(bytes, 5)).toThrow(DecompressedTooLargeError)
  })

  test('of endless empty blocks is refused', () => {
    const blocks = Buffer.from(`${HEADER}${'0000000100'.repeat(262_145)}`, 'hex')

    expect(() => decompressSnappy(blocks, LIMIT)).toThrow('more than 262144 blocks')
  })
})
