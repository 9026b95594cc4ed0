import { ErrorCode, isRetriable } from '../errors.ts'

/** A record of a refused batch: its place in the batch (0 for the first) and what is wrong with it. */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** Errors of single records that one error carries at most; the rest are only counted. */
export const MAX_RECORD_ERRORS = 100

/** What is wrong with a record batch. `code` is what a broker answers with. */
export abstract class RecordsError extends Error {
  abstract readonly code: ErrorCode

  /** Whether Kafka's clients send the same batch again after this. */
  get retriable(): boolean {
    return isRetriable(this.code)
  }
}

/** The bytes are not what their writer wrote: wrong checksum, impossible size or magic. Kafka's CORRUPT_MESSAGE. */
export class CorruptRecordError extends RecordsError {
  override readonly name = 'CorruptRecordError'
  override readonly code = ErrorCode.CORRUPT_MESSAGE
}

/** The bytes arrived as written, but break the record format or a rule of the topic. Kafka's INVALID_RECORD. */
export class InvalidRecordError extends RecordsError {
  override readonly name = 'InvalidRecordError'
  override readonly code = ErrorCode.INVALID_RECORD
  /** The records that break a rule, as far as single records do; at most `MAX_RECORD_ERRORS`. */
  readonly recordErrors: readonly RecordError[]

  constructor(message: string, recordErrors: readonly RecordError[] = [], options?: ErrorOptions) {
    super(message, options)
    this.recordErrors = recordErrors
  }
}

/** A timestamp outside what the topic allows, or of a kind a producer may not set. Kafka's INVALID_TIMESTAMP. */
export class InvalidTimestampError extends RecordsError {
  override readonly name = 'InvalidTimestampError'
  override readonly code = ErrorCode.INVALID_TIMESTAMP
  /** The records that break a rule; at most `MAX_RECORD_ERRORS`. */
  readonly recordErrors: readonly RecordError[]

  constructor(message: string, recordErrors: readonly RecordError[]) {
    super(message)
    this.recordErrors = recordErrors
  }
}

/** A codec that does not exist or is not allowed here. Kafka's UNSUPPORTED_COMPRESSION_TYPE. */
export class UnsupportedCompressionError extends RecordsError {
  override readonly name = 'UnsupportedCompressionError'
  override readonly code = ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
}

/**
 * Compressed bytes that their codec cannot read although the checksum is right. Apache Kafka has no code for it and
 * answers UNKNOWN_SERVER_ERROR, and so does this.
 */
export class DecompressionError extends RecordsError {
  override readonly name = 'DecompressionError'
  override readonly code = ErrorCode.UNKNOWN_SERVER_ERROR
}

/** More decompressed bytes than the reader's limit (a decompression bomb). Answered with MESSAGE_TOO_LARGE. */
export class DecompressedTooLargeError extends RecordsError {
  override readonly name = 'DecompressedTooLargeError'
  override readonly code = ErrorCode.MESSAGE_TOO_LARGE
  readonly limitBytes: number

  constructor(codec: string, limitBytes: number, options?: ErrorOptions) {
    super(`${codec} data decompresses to more than the limit of ${limitBytes} bytes`, options)
    this.limitBytes = limitBytes
  }
}
