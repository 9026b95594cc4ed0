import { UnsupportedCompressionError } from '../errors.ts'
import { compressGzip, decompressGzip } from './gzip.ts'
import { compressLz4, decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'
import { compressZstd, decompressZstd } from './zstd.ts'

/** The codecs of Kafka, in the order of their numbers in a batch's attributes. */
export const COMPRESSION_CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionCodec = (typeof COMPRESSION_CODECS)[number]

/** Bytes a batch may decompress to unless a reader says otherwise: 100 MiB, as large as a request may be. */
export const DEFAULT_DECOMPRESSION_LIMIT_BYTES = 104_857_600

/** The codec with a number; `UnsupportedCompressionError` when there is none. */
export function compressionById(id: number): CompressionCodec {
  const codec = COMPRESSION_CODECS[id]
  if (codec === undefined) {
    throw new UnsupportedCompressionError(
      `unknown compression type id ${id}, known are 0 to ${COMPRESSION_CODECS.length - 1}`,
    )
  }
  return codec
}

/** The number of a codec. */
export function compressionId(codec: CompressionCodec): number {
  return COMPRESSION_CODECS.indexOf(codec)
}

/** Compresses with the format and default level of the Java client. */
export function compress(codec: CompressionCodec, bytes: Buffer): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return compressGzip(bytes)
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return compressLz4(bytes)
    case 'zstd':
      return compressZstd(bytes)
  }
}

/**
 * Decompresses at most `limitBytes` (≥ 1).
 *
 * @throws DecompressionError when the codec cannot read the bytes
 * @throws DecompressedTooLargeError when there would be more than `limitBytes`
 */
export function decompress(
  codec: CompressionCodec,
  bytes: Buffer,
  limitBytes: number = DEFAULT_DECOMPRESSION_LIMIT_BYTES,
): Buffer {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return decompressGzip(bytes, limitBytes)
    case 'snappy':
      return decompressSnappy(bytes, limitBytes)
    case 'lz4':
      return decompressLz4(bytes, limitBytes)
    case 'zstd':
      return decompressZstd(bytes, limitBytes)
  }
}
