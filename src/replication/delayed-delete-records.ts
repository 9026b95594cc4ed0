import { ErrorCode } from '../protocol/errors.ts'
import type { TopicPartition } from '../protocol/topic-partition.ts'
import { DelayedOperation } from '../runtime/delayed-operation.ts'

export interface DeleteRecordsResult {
  readonly topicPartition: TopicPartition
  readonly errorCode: number
  /** The first offset that is left on all live replicas; -1 with an error. */
  readonly lowWatermark: number
}

export interface DeleteRecordsStatus {
  readonly result: DeleteRecordsResult
  /** The offset that the low watermark must reach. */
  readonly requiredOffset: number
}

/** Called once with the results, in the order of the partitions. */
export type DeleteRecordsCallback = (results: readonly DeleteRecordsResult[]) => void

/** The low watermark of a partition, or why nobody here can tell it any more. */
export type CheckLowWatermark = (partition: TopicPartition) => { lowWatermark: number; errorCode: number }

/** A deletion that waits until the followers have deleted as well (Kafka's DelayedDeleteRecords). */
export class DelayedDeleteRecords extends DelayedOperation {
  readonly #status: { readonly requiredOffset: number; result: DeleteRecordsResult; pending: boolean }[]
  readonly #check: CheckLowWatermark
  readonly #callback: DeleteRecordsCallback

  constructor(
    timeoutMs: number,
    status: readonly DeleteRecordsStatus[],
    check: CheckLowWatermark,
    callback: DeleteRecordsCallback,
  ) {
    super(timeoutMs)
    this.#status = status.map(({ requiredOffset, result }) => {
      const pending = result.errorCode === ErrorCode.NONE
      return {
        requiredOffset,
        result: pending ? { ...result, errorCode: ErrorCode.REQUEST_TIMED_OUT } : result,
        pending,
      }
    })
    this.#check = check
    this.#callback = callback
  }

  override tryComplete(): boolean {
    let pending = false
    for (const status of this.#status) {
      if (!status.pending) continue
      const { topicPartition } = status.result
      const { lowWatermark, errorCode } = this.#check(topicPartition)
      if (errorCode === ErrorCode.NONE && lowWatermark < status.requiredOffset) {
        pending = true
        continue
      }
      status.pending = false
      status.result = { topicPartition, errorCode, lowWatermark }
    }
    return pending ? false : this.forceComplete()
  }

  override onComplete(): void {
    this.#callback(this.#status.map(({ result }) => result))
  }

  override onExpiration(): void {}
}
