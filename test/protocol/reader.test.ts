import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/protocol/protocol-error.ts'
import { FRAME_ELEMENTS_MAX, Reader } from '../../src/protocol/reader.ts'

function reader(hex: string): Reader {
  return new Reader(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
}

describe('Reader', () => {
  it('reads every primitive big-endian and moves on by its size', () => {
    const bytes = reader('80 ff 01 8000 ffff 80000000 ffffffff 001fffffffffffff 3ff8000000000000')

    expect(bytes.int8()).toBe(-128)
    expect(bytes.bool()).toBe(true)
    expect(bytes.bool()).toBe(true)
    expect(bytes.int16()).toBe(-32_768)
    expect(bytes.uint16()).toBe(65_535)
    expect(bytes.int32()).toBe(-2_147_483_648)
    expect(bytes.uint32()).toBe(4_294_967_295)
    expect(bytes.int64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(bytes.float64()).toBe(1.5)
    expect(bytes.remaining).toBe(0)
  })

  it.each([
    ['ffffffffffffffff', -1],
    ['ffe0000000000001', Number.MIN_SAFE_INTEGER],
    ['00000000ffffffff', 4_294_967_295],
    ['ffffffff00000000', -4_294_967_296],
  ])('reads the int64 %s as %d', (hex, value) => {
    expect(reader(hex).int64()).toBe(value)
  })

  it.each(['0020000000000000', 'ffe0000000000000', '7fffffffffffffff', '8000000000000000'])(
    'refuses the int64 %s, which a number cannot hold exactly',
    hex => {
      expect(() => reader(hex).int64()).toThrow(/int64 -?\d+ is beyond ±2\^53/)
    },
  )

  it('brings a saturated int64 to the nearest number that is exact', () => {
    expect(reader('7fffffffffffffff').int64Saturated()).toBe(Number.MAX_SAFE_INTEGER)
    expect(reader('8000000000000000').int64Saturated()).toBe(Number.MIN_SAFE_INTEGER)
    expect(reader('000000000000002a').int64Saturated()).toBe(42)
  })

  it.each([
    ['00', 0],
    ['7f', 127],
    ['8001', 128],
    ['ffffffff0f', 4_294_967_295],
    ['808000', 0],
  ])('reads the uvarint %s as %d', (hex, value) => {
    expect(reader(hex).uvarint()).toBe(value)
  })

  it.each(['ffffffff1f', 'ffffffffff01', '8080808080'])('refuses the uvarint %s of more than 32 bits', hex => {
    expect(() => reader(hex).uvarint()).toThrow('uvarint has more than 32 bits')
  })

  it.each([
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['feffffff0f', 2_147_483_647],
    ['ffffffff0f', -2_147_483_648],
  ])('reads the varint %s as %d', (hex, value) => {
    expect(reader(hex).varint()).toBe(value)
  })

  it.each([
    ['01', -1],
    ['feffffffffffff1f', Number.MAX_SAFE_INTEGER],
    ['fdffffffffffff1f', Number.MIN_SAFE_INTEGER],
    ['80808080808001', 2_199_023_255_552],
  ])('reads the varlong %s as %d', (hex, value) => {
    expect(reader(hex).varlong()).toBe(value)
  })

  it('refuses a varlong beyond the safe integers or of more than 64 bits', () => {
    expect(() => reader('ffffffffffffff1f').varlong()).toThrow('varlong is beyond ±2^53')
    expect(() => reader('80808080808080808080').varlong()).toThrow('varlong has more than 64 bits')
  })

  it('reads short, long and non-ASCII strings alike', () => {
    for (const text of ['', 'topic', 'clé', '日本語', 'x'.repeat(25), 'é'.repeat(25), '𐍈'.repeat(3)]) {
      const bytes = Buffer.from(text)

      expect(new Reader(bytes).utf8(bytes.length)).toBe(text)
    }
  })

  it('refuses a string longer than an int16 can count, before reading it', () => {
    const bytes = new Reader(Buffer.alloc(40_000))

    expect(() => bytes.utf8(32_768)).toThrow('string of 32768 bytes, at most 32767 are allowed')
  })

  it('says where the bytes ended and how many were needed', () => {
    const bytes = reader('0001 00')
    bytes.int16()

    expect(() => bytes.int32()).toThrow(
      expect.objectContaining({ name: 'ProtocolError', position: 2, reason: 'int32 needs 4 bytes, 1 are left' }),
    )
  })

  it('never reads past the end it was given, though the buffer goes on', () => {
    const bytes = new Reader(Buffer.alloc(8), 0, 3)

    expect(() => bytes.int32()).toThrow(ProtocolError)
    expect(() => bytes.view(4)).toThrow(ProtocolError)
  })

  it('returns bytes as a view of the frame', () => {
    const frame = Buffer.from('abcdef')

    const view = new Reader(frame, 2).view(3)
    frame[2] = 0x58

    expect(view.toString()).toBe('Xde')
  })

  it('refuses an array count that the remaining bytes cannot hold', () => {
    expect(() => reader('00000000').checkCount(3, 2)).toThrow('array of 3 elements needs 6 bytes or more, 4 are left')
  })

  it('bounds the elements of all arrays of a frame together', () => {
    const bytes = new Reader(Buffer.alloc(FRAME_ELEMENTS_MAX + 1))
    bytes.checkCount(FRAME_ELEMENTS_MAX, 1)

    expect(() => bytes.checkCount(1, 1)).toThrow('more than 1048576 array elements in one frame')
  })

  it('confines reading to a tagged field and demands that all of it is read', () => {
    const bytes = reader('0001 0002 0003')
    const outerEnd = bytes.enter(4)
    bytes.int16()

    expect(() => bytes.int32()).toThrow('int32 needs 4 bytes, 2 are left')
    expect(() => bytes.leave(outerEnd)).toThrow('2 bytes too many in a tagged field')
    bytes.int16()
    bytes.leave(outerEnd)
    expect(bytes.int16()).toBe(3)
  })
})
