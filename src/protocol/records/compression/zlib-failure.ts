import { DecompressedTooLargeError, DecompressionError, type RecordsError } from '../errors.ts'

/** What a failed synchronous zlib call means: too much output, or bytes that are not of the codec. */
export function zlibFailure(codec: string, limitBytes: number, cause: unknown): RecordsError {
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
    return new DecompressedTooLargeError(codec, limitBytes, { cause })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new DecompressionError(`not readable as ${codec}: ${reason}`, { cause })
}
