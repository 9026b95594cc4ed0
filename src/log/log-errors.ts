import { ApiError, ErrorCode } from '../protocol/errors.ts'

/** A disk operation failed: the log directory is offline from now on. The cause is the `DiskError`. */
export class KafkaStorageError extends ApiError {
  constructor(message: string, options?: ErrorOptions) {
    super(ErrorCode.KAFKA_STORAGE_ERROR, message, options)
  }
}

/** A read or a deletion asked for an offset that the log does not hold (any more, or yet). */
export class OffsetOutOfRangeError extends ApiError {
  readonly offset: number

  constructor(offset: number, what: string) {
    super(ErrorCode.OFFSET_OUT_OF_RANGE, `offset ${offset} is out of range: ${what}`)
    this.offset = offset
  }
}

/** A batch is larger than `max.message.bytes`. */
export class RecordTooLargeError extends ApiError {
  constructor(where: string, sizeBytes: number, maxBytes: number) {
    super(
      ErrorCode.MESSAGE_TOO_LARGE,
      `a batch for ${where} has ${sizeBytes} bytes, max.message.bytes allows ${maxBytes}`,
    )
  }
}

/** Everything to append at once is larger than a segment may be. */
export class RecordBatchTooLargeError extends ApiError {
  constructor(where: string, sizeBytes: number, maxBytes: number) {
    super(ErrorCode.RECORD_LIST_TOO_LARGE, `${sizeBytes} bytes for ${where} do not fit a segment of ${maxBytes} bytes`)
  }
}

/** A producer's batch does not follow the one before it (KIP-98). */
export class OutOfOrderSequenceError extends ApiError {
  constructor(message: string) {
    super(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message)
  }
}

/** A producer's batch carries an older epoch than one that this log has seen from the same producer id. */
export class InvalidProducerEpochError extends ApiError {
  constructor(message: string) {
    super(ErrorCode.INVALID_PRODUCER_EPOCH, message)
  }
}

/** A directory holds a partition of an earlier topic with the same name. */
export class InconsistentTopicIdError extends ApiError {
  constructor(where: string, found: string, expected: string) {
    super(ErrorCode.INCONSISTENT_TOPIC_ID, `${where} belongs to topic id ${found}, not ${expected}`)
  }
}

/** Records copied from a leader do not continue this log. */
export class UnexpectedAppendOffsetError extends ApiError {
  readonly firstOffset: number
  readonly lastOffset: number

  constructor(where: string, firstOffset: number, lastOffset: number, logEndOffset: number) {
    super(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `records for ${where} from offset ${firstOffset} to ${lastOffset} begin before its end offset ${logEndOffset}`,
    )
    this.firstOffset = firstOffset
    this.lastOffset = lastOffset
  }
}

/** A checkpoint, metadata or marker file says nothing sensible. */
export class CorruptCheckpointError extends Error {
  override readonly name = 'CorruptCheckpointError'
  readonly path: string

  constructor(path: string, what: string) {
    super(`${path} is malformed: ${what}`)
    this.path = path
  }
}

/** An index does not fit its segment; it can be rebuilt from the segment. */
export class CorruptIndexError extends Error {
  override readonly name = 'CorruptIndexError'
  readonly path: string

  constructor(path: string, what: string) {
    super(`index ${path} is corrupt: ${what}`)
    this.path = path
  }
}

/** A producer snapshot is torn or of a version that is not known; the one before it serves instead. */
export class CorruptSnapshotError extends Error {
  override readonly name = 'CorruptSnapshotError'

  constructor(path: string, what: string) {
    super(`producer snapshot ${path} is corrupt: ${what}`)
  }
}

/** Runs work on one of many logs: its storage errors are known to the failure channel already, the other logs go on. */
export async function ignoringStorageErrors(body: () => Promise<unknown>): Promise<void> {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof KafkaStorageError)) throw error
  }
}
