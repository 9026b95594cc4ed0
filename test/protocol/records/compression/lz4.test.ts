import { compressFrameSync, decompressFrameSync } from 'lz4-napi'
import { describe, expect, test } from 'vitest'
import { compressLz4, decompressLz4 } from '../../../../src/protocol/records/compression/lz4.ts'
import { xxHash32 } from '../../../../src/protocol/records/compression/xx-hash-32.ts'
import { DecompressedTooLargeError, DecompressionError } from '../../../../src/protocol/records/errors.ts'

const LIMIT = 1_000
const TEXT = Buffer.alloc(100, 'abcdefghijklm')
/** Blocks of at most 64 KiB, no checksums. */
const HEADER = '04224d18604082'

describe('lz4', () => {
  test('is written as the Java client writes it: 64 KiB blocks and more, independent, with a header checksum', () => {
    expect(compressLz4(Buffer.from('abc')).toString('hex')).toBe(`${HEADER}03000080${'616263'}00000000`)
  })

  test.each([
    ['a content checksum', compressFrameSync(TEXT, { contentChecksum: true })],
    ['block checksums', compressFrameSync(TEXT, { blockChecksums: true })],
    ['both', compressFrameSync(TEXT, { contentChecksum: true, blockChecksums: true })],
    ['bytes after its end', Buffer.concat([compressFrameSync(TEXT), Buffer.from('more')])],
    ['a content size', framed({ flg: 0x68, rest: '6400000000000000' }, compressFrameSync(TEXT).subarray(7))],
  ])('is read with %s', (_, frame) => {
    expect(decompressLz4(frame, LIMIT).equals(TEXT)).toBe(true)
  })

  test('is written so that others read it', () => {
    expect(decompressFrameSync(compressLz4(TEXT)).equals(TEXT)).toBe(true)
  })

  test.each([
    ['another magic', Buffer.from('05224d1860408200000000', 'hex')],
    ['another version', framed({ flg: 0xa0 })],
    ['linked blocks', framed({ flg: 0x40 })],
    ['a dictionary', framed({ flg: 0x61 })],
    ['an unknown block size', framed({ bd: 0x30 })],
    ['reserved bits', framed({ bd: 0x41 })],
    ['a wrong header checksum', Buffer.from('04224d1860408300000000', 'hex')],
    ['a header cut off', Buffer.from('04224d18684082', 'hex')],
    ['a block longer than the frame', Buffer.from(`${HEADER}05000080616263`, 'hex')],
    ['a block above its own bound', Buffer.concat([Buffer.from(`${HEADER}01000180`, 'hex'), Buffer.alloc(65_540)])],
    ['a wrong block checksum', damaged(compressFrameSync(TEXT, { blockChecksums: true }), 8)],
    ['a match from before the block', block('1061020000')],
    ['a match from an earlier block', Buffer.from(`${HEADER}0300008061626305000000106102000000000000`, 'hex')],
    ['a match of offset 0', block('1061000000')],
    ['an offset cut off', block('106101')],
    ['literals cut off', block('306161')],
    ['a literal length cut off', block('f0ff')],
    ['a match length cut off', block('1f610100ff')],
    ['no last literals', block('10610100')],
  ])('with %s is refused', (_, frame) => {
    expect(() => decompressLz4(frame, LIMIT)).toThrow(DecompressionError)
  })

  test('whose block decodes to more than its bound is refused', () => {
    // one literal, then a match of 15 + 255 * 300 + 4 bytes
    const bytes = block(`1f610100${'ff'.repeat(300)}0000`)

    expect(() => decompressLz4(bytes, 10_000_000)).toThrow("more than the frame's block size")
    expect(() => decompressLz4(bytes, LIMIT)).toThrow(DecompressedTooLargeError)
  })

  test('repeats what a match has just written', () => {
    // literal `ab`, match of 7 bytes from 2 back, then the last literal `c`
    expect(decompressLz4(block('2361620200' + '1063'), LIMIT).toString()).toBe('ababababac')
  })
})

describe('xxHash32', () => {
  test.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ])('of %o is the published value', (text, hash) => {
    const bytes = Buffer.from(`..${text}..`)

    expect(xxHash32(bytes, 2, bytes.length - 2)).toBe(hash)
  })
})

/** A frame with a right header checksum around whatever follows. */
function framed({ flg = 0x60, bd = 0x40, rest = '' }, blocks: Buffer = Buffer.alloc(4)): Buffer {
  const descriptor = Buffer.concat([Buffer.from([flg, bd]), Buffer.from(rest, 'hex')])
  const checksum = (xxHash32(descriptor, 0, descriptor.length) >>> 8) & 0xff
  return Buffer.concat([Buffer.from('04224d18', 'hex'), descriptor, Buffer.from([checksum]), blocks])
}

/** A frame of one compressed block. */
function block(hex: string): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(hex.length / 2)
  return Buffer.concat([Buffer.from(HEADER, 'hex'), size, Buffer.from(hex, 'hex'), Buffer.alloc(4)])
}

function damaged(bytes: Buffer, fromEnd: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = copy.length - fromEnd
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
