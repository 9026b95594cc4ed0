import { zstdCompressSync } from 'node:zlib'
import { compressFrameSync } from 'lz4-napi'
import { compressSync } from 'snappy'
import { describe, expect, test } from 'vitest'
import {
  COMPRESSION_CODECS,
  compress,
  compressionById,
  compressionId,
  decompress,
} from '../../../../src/protocol/records/compression/codec.ts'
import {
  DecompressedTooLargeError,
  DecompressionError,
  UnsupportedCompressionError,
} from '../../../../src/protocol/records/errors.ts'

const REAL_CODECS = COMPRESSION_CODECS.filter(codec => codec !== 'none')
const MIB = 1_048_576

describe('the codecs', () => {
  test('have the numbers of Kafka', () => {
    expect([0, 1, 2, 3, 4].map(compressionById)).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd'])
    expect(COMPRESSION_CODECS.map(compressionId)).toEqual([0, 1, 2, 3, 4])
    expect(() => compressionById(5)).toThrow(UnsupportedCompressionError)
  })

  test.each(COMPRESSION_CODECS)('%s gives back what it got', codec => {
    for (const bytes of samples()) expect(decompress(codec, compress(codec, bytes)).equals(bytes)).toBe(true)
  })

  test.each(REAL_CODECS)('%s writes the same bytes every time', codec => {
    for (const bytes of samples()) expect(compress(codec, bytes).equals(compress(codec, bytes))).toBe(true)
  })

  test.each(REAL_CODECS)('%s reads up to its limit and no further', codec => {
    const compressed = compress(codec, Buffer.alloc(100_000, 'abc'))

    expect(decompress(codec, compressed, 100_000)).toHaveLength(100_000)
    expect(() => decompress(codec, compressed, 99_999)).toThrow(DecompressedTooLargeError)
  })

  test.each([
    ['gzip', compress('gzip', Buffer.alloc(64 * MIB))],
    ['snappy', compressSync(Buffer.alloc(64 * MIB))],
    ['snappy', compress('snappy', Buffer.alloc(64 * MIB))],
    ['lz4', compressFrameSync(Buffer.alloc(64 * MIB))],
    ['zstd', zstdCompressSync(Buffer.alloc(64 * MIB))],
  ] as const)('%s refuses a bomb without unpacking it all', (codec, bomb) => {
    const before = process.memoryUsage().arrayBuffers

    expect(() => decompress(codec, bomb, MIB)).toThrow(DecompressedTooLargeError)

    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MIB)
  })

  test.each(REAL_CODECS)('%s refuses bytes that were cut off anywhere', codec => {
    const compressed = compress(codec, Buffer.from('some text, some more text, and some text again'))

    for (let length = 0; length < compressed.length; length++) {
      // A framed snappy stream has no end mark: cut between two blocks it is a shorter stream.
      if (codec === 'snappy' && length === 16) continue
      expect(() => decompress(codec, compressed.subarray(0, length))).toThrow(DecompressionError)
    }
  })

  test.each(REAL_CODECS)('%s refuses bytes of another kind', codec => {
    expect(() => decompress(codec, Buffer.from('plain text, not compressed'))).toThrow(DecompressionError)
  })
})

function samples(): Buffer[] {
  let state = 1
  const noise = Buffer.alloc(70_000)
  for (let i = 0; i < noise.length; i++) {
    state = (state * 48_271) % 2_147_483_647
    noise[i] = state & 0xff
  }
  const text = 'Lorem ipsum dolor sit amet, consectetur adipiscing elit. '
  return [
    Buffer.alloc(0),
    Buffer.from('x'),
    Buffer.from(text),
    Buffer.alloc(5_000_000, text),
    noise,
    Buffer.concat([noise, Buffer.alloc(70_000), noise.subarray(0, 40_000)]),
  ]
}
