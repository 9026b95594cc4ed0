import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { zlibFailure } from './zlib-failure.ts'

/** One zstd frame at level 3, the default of Kafka's `compression.zstd.level`. */
export function compressZstd(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes)
}

/** Reads one zstd frame. Errors: see `decompress`. */
export function decompressZstd(bytes: Buffer, limitBytes: number): Buffer {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limitBytes })
  } catch (error) {
    throw zlibFailure('zstd', limitBytes, error)
  }
}
