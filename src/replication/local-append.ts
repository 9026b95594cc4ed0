import { ErrorCode } from '../protocol/errors.ts'
import { InvalidRecordError, InvalidTimestampError, RecordsError } from '../protocol/records/errors.ts'
import type { ProducePartitionResult } from './delayed-produce.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { TopicIdPartition } from './fetch-params.ts'
import type { LeaderAppendResult } from './partition.ts'

export interface LocalAppend {
  /** Undefined when the append failed. */
  readonly appended: LeaderAppendResult | undefined
  readonly result: ProducePartitionResult
}

/** Runs an append and puts what became of it, errors included, into the form of a Produce response. */
export async function appendToPartition(
  topicIdPartition: TopicIdPartition,
  append: () => Promise<LeaderAppendResult>,
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
    const failed = failedProduce(topicIdPartition, expectedErrorCode(error))
    if (!(error instanceof RecordsError)) return { appended: undefined, result: failed }
    const hasRecordErrors = error instanceof InvalidRecordError || error instanceof InvalidTimestampError
    const recordErrors = hasRecordErrors ? error.recordErrors : []
    return { appended: undefined, result: { ...failed, recordErrors, errorMessage: error.message } }
  }
}

export function failedProduce(topicIdPartition: TopicIdPartition, errorCode: number): ProducePartitionResult {
  return {
    topicIdPartition,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: [],
    errorMessage: null,
  }
}
