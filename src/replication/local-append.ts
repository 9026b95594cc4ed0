import { ErrorCode } from '../protocol/errors.ts'
import { InvalidRecordError, InvalidTimestampError, RecordsError } from '../protocol/records/errors.ts'
import type { ProducePartitionResult } from './delayed-produce.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { TopicIdPartition } from './fetch-params.ts'
import type { LeaderAppendResult } from './partition-read.ts'

export interface LocalAppend {
  /** Undefined when the append failed. */
  readonly appended: LeaderAppendResult | undefined
  readonly result: ProducePartitionResult
}

/** Errors with which Kafka does not tell where the log begins; with every other one a producer may need to know. */
const WITHOUT_LOG_START_OFFSET: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

/**
 * Runs an append and puts what became of it, errors included, into the form of a Produce response (Kafka's
 * ReplicaManager.appendToLocalLog).
 * @param logStartOffset where the log begins now, -1 without a log
 */
export async function appendToPartition(
  topicIdPartition: TopicIdPartition,
  append: () => Promise<LeaderAppendResult>,
  logStartOffset: () => number,
): Promise<LocalAppend> {
  try {
    const appended = await append()
    const { info } = appended
    const result: ProducePartitionResult = {
      topicIdPartition,
      errorCode: ErrorCode.NONE,
      baseOffset: info.firstOffset,
      logAppendTimeMs: info.logAppendTime,
      logStartOffset: info.logStartOffset,
      recordErrors: [],
      errorMessage: null,
    }
    return { appended, result }
  } catch (error) {
    const code = expectedErrorCode(error)
    const startOffset = WITHOUT_LOG_START_OFFSET.has(code) ? -1 : logStartOffset()
    const failed = failedProduce(topicIdPartition, code, null, startOffset)
    if (!(error instanceof RecordsError)) return { appended: undefined, result: failed }
    const hasRecordErrors = error instanceof InvalidRecordError || error instanceof InvalidTimestampError
    const recordErrors = hasRecordErrors ? error.recordErrors : []
    return { appended: undefined, result: { ...failed, recordErrors, errorMessage: error.message } }
  }
}

/** The answer for a partition to which nothing was appended. */
export function failedProduce(
  topicIdPartition: TopicIdPartition,
  errorCode: number,
  errorMessage: string | null = null,
  logStartOffset = -1,
): ProducePartitionResult {
  return {
    topicIdPartition,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset,
    recordErrors: [],
    errorMessage,
  }
}
