import { gunzipSync, gzipSync } from 'node:zlib'
import { zlibFailure } from './zlib-failure.ts'

const OS_AT = 9
/** RFC 1952: unknown. Also what the Java client writes. */
const OS_UNKNOWN = 255

/** One gzip member. Names no operating system, which zlib would, so that every machine writes the same header. */
export function compressGzip(bytes: Buffer): Buffer {
  const compressed = gzipSync(bytes)
  compressed[OS_AT] = OS_UNKNOWN
  return compressed
}

/** Reads gzip members one after the other. Errors: see `decompress`. */
export function decompressGzip(bytes: Buffer, limitBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: limitBytes })
  } catch (error) {
    throw zlibFailure('gzip', limitBytes, error)
  }
}
