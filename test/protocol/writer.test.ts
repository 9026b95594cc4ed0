import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EncodeError } from '../../src/protocol/protocol-error.ts'
import { Reader } from '../../src/protocol/reader.ts'
import { uvarintBytes, Writer } from '../../src/protocol/writer.ts'

function written(write: (writer: Writer) => void): string {
  const writer = new Writer()
  write(writer)
  return writer.finish().toString('hex')
}

describe('Writer', () => {
  it('writes every primitive big-endian', () => {
    const hex = written(writer => {
      writer.int8(-128)
      writer.bool(true)
      writer.int16(-32_768)
      writer.uint16(65_535)
      writer.int32(-2)
      writer.uint32(4_294_967_295)
      writer.int64(-2)
      writer.float64(1.5)
    })

    expect(hex).toBe(`80 01 8000 ffff fffffffe ffffffff fffffffffffffffe 3ff8000000000000`.replaceAll(' ', ''))
  })

  it.each<[string, (writer: Writer) => void]>([
    ['128 is no int8', writer => writer.int8(128)],
    ['-32769 is no int16', writer => writer.int16(-32_769)],
    ['-1 is no uint16', writer => writer.uint16(-1)],
    ['2147483648 is no int32', writer => writer.int32(2_147_483_648)],
    ['1.5 is no int32', writer => writer.int32(1.5)],
    ['NaN is no int32', writer => writer.int32(Number.NaN)],
    ['4294967296 is no uint32', writer => writer.uint32(4_294_967_296)],
    ['9007199254740992 is no int64 within ±2^53', writer => writer.int64(2 ** 53)],
    ['9223372036854775808 is no int64', writer => writer.bigInt64(9_223_372_036_854_775_808n)],
    ['-1 is no uvarint', writer => writer.uvarint(-1)],
    ['"x" is no UUID, which has 22 characters of base64url', writer => writer.uuid('x')],
    ['string of 32768 bytes, at most 32767 are allowed', writer => writer.string('x'.repeat(32_768))],
  ])('refuses a value that does not fit: %s', (message, write) => {
    expect(() => write(new Writer())).toThrow(new EncodeError(message))
  })

  it.each([0n, -1n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 0x0123_4567_89ab_cdefn])(
    'gives back the 64-bit integer %d bit for bit',
    value => {
      const writer = new Writer(1)
      writer.bigInt64(value)

      expect(new Reader(writer.finish()).bigInt64()).toBe(value)
    },
  )

  it('gives back every number that was written, in every coding', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer(), (long, int) => {
        const writer = new Writer(1)
        writer.int64(long)
        writer.int64Saturated(long)
        writer.varlong(long)
        writer.varint(int)
        writer.uvarint(int >>> 0)
        const reader = new Reader(writer.finish())

        expect(reader.int64()).toBe(long)
        expect(reader.int64Saturated()).toBe(long)
        expect(reader.varlong()).toBe(long)
        expect(reader.varint()).toBe(int)
        expect(reader.uvarint()).toBe(int >>> 0)
        expect(reader.remaining).toBe(0)
      }),
      {
        seed: 1,
        examples: [
          [Number.MAX_SAFE_INTEGER, 2_147_483_647],
          [Number.MIN_SAFE_INTEGER, -2_147_483_648],
        ],
      },
    )
  })

  it('writes the extremes of a saturated int64 as the largest and smallest there are', () => {
    expect(written(writer => writer.int64Saturated(Number.MAX_SAFE_INTEGER))).toBe('7fffffffffffffff')
    expect(written(writer => writer.int64Saturated(Number.MIN_SAFE_INTEGER))).toBe('8000000000000000')
  })

  it('writes strings, null and empty apart, with an int16 or a compact length', () => {
    expect(written(writer => writer.string(null))).toBe('ffff')
    expect(written(writer => writer.string(''))).toBe('0000')
    expect(written(writer => writer.string('é'))).toBe('0002c3a9')
    expect(written(writer => writer.compactString(null))).toBe('00')
    expect(written(writer => writer.compactString(''))).toBe('01')
    expect(written(writer => writer.compactString('é'))).toBe('03c3a9')
  })

  it('gives back every string, short or long, ASCII or not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), text => {
        const writer = new Writer(1)
        writer.string(text)
        writer.compactString(text)
        const reader = new Reader(writer.finish())

        expect(reader.utf8(reader.stringLength())).toBe(text)
        expect(reader.utf8(reader.compactLength())).toBe(text)
      }),
      { seed: 1 },
    )
  })

  it('puts the size before what was written, however many bytes the size takes', () => {
    for (const size of [0, 127, 128, 16_384]) {
      const writer = new Writer(4)
      writer.int8(7)
      const start = writer.length
      writer.raw(Buffer.alloc(size, 0xab))
      writer.insertSize(start)
      writer.int8(9)
      const reader = new Reader(writer.finish(), 1)

      expect(reader.uvarint()).toBe(size)
      expect(reader.view(size)).toEqual(Buffer.alloc(size, 0xab))
      expect(reader.int8()).toBe(9)
      expect(uvarintBytes(size)).toBe(writer.length - size - 2)
    }
  })
})
