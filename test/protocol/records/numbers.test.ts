import { describe, expect, test } from 'vitest'
import { CorruptRecordError } from '../../../src/protocol/records/errors.ts'
import { readInt64, writeInt64 } from '../../../src/protocol/records/int64.ts'
import { sizeOfVarint, writeVarint } from '../../../src/protocol/records/varint.ts'

const INTERESTING = [
  0, -1, 1, 63, 64, -64, -65, 2_147_483_648, -2_147_483_648, 4_294_967_301, -1_099_511_627_779,
].concat([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])

describe('int64', () => {
  test.each(INTERESTING)('%d is written as the bytes of a BigInt and read back', value => {
    const bytes = Buffer.alloc(9)

    writeInt64(bytes, value, 1)

    expect(bytes.readBigInt64BE(1)).toBe(BigInt(value))
    expect(readInt64(bytes, 1, 'field')).toBe(value)
  })

  test.each([0x20000000000000n, -0x20000000000000n, 0x7fffffffffffffffn, -0x8000000000000000n])(
    '%d is refused by name',
    value => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64BE(value)

      expect(() => readInt64(bytes, 0, 'baseOffset')).toThrow(CorruptRecordError)
      expect(() => readInt64(bytes, 0, 'baseOffset')).toThrow(`baseOffset ${value}`)
    },
  )
})

describe('varint', () => {
  test.each(INTERESTING)('%d is written zigzag, seven bits a byte', value => {
    const bytes = Buffer.alloc(10)

    const end = writeVarint(bytes, value, 0)

    expect(end).toBe(sizeOfVarint(value))
    expect(bytes.subarray(0, end)).toEqual(zigzag(BigInt(value)))
  })
})

/** The definition, in BigInts. */
function zigzag(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}
