import { ErrorCode } from '../protocol/errors.ts'
import { DelayedOperation } from '../runtime/delayed-operation.ts'
import type { TopicIdPartition } from './fetch-params.ts'

/** What became of the records for one partition (Kafka's PartitionResponse). Offsets are -1 with an error. */
export interface ProducePartitionResult {
  readonly topicIdPartition: TopicIdPartition
  /** One of Kafka's error codes, 0 for none. */
  readonly errorCode: number
  readonly baseOffset: number
  /** As in `LogAppendInfo`: -1 unless the topic's timestamps are `LogAppendTime`, or the batch is a duplicate. */
  readonly logAppendTimeMs: number
  readonly logStartOffset: number
  /** Records at fault, by their place in the batch. */
  readonly recordErrors: readonly { readonly batchIndex: number; readonly message: string }[]
  /** Null: the error code says it all. */
  readonly errorMessage: string | null
}

export interface ProducePartitionStatus {
  /** The offset that the high watermark must reach. */
  readonly requiredOffset: number
  readonly result: ProducePartitionResult
  readonly acksPending: boolean
}

/** Whether a partition has committed an offset; an error when it never will, as far as anyone can tell. */
export type CheckReached = (
  partition: TopicIdPartition,
  requiredOffset: number,
) => { readonly reached: boolean; readonly errorCode: number }

/** Called once with the results, in the order of the entries. */
export type ProduceCallback = (results: readonly ProducePartitionResult[]) => void

/** A produce with acks=-1 that waits for its in-sync replicas (Kafka's DelayedProduce). */
export class DelayedProduce extends DelayedOperation {
  readonly #status: { requiredOffset: number; result: ProducePartitionResult; acksPending: boolean }[]
  readonly #checkReached: CheckReached
  readonly #callback: ProduceCallback

  constructor(
    timeoutMs: number,
    status: readonly ProducePartitionStatus[],
    checkReached: CheckReached,
    callback: ProduceCallback,
  ) {
    super(timeoutMs)
    this.#status = status.map(({ requiredOffset, result, acksPending }) => ({
      requiredOffset,
      // What is still pending when the time runs out, timed out: the outcome is open.
      result: acksPending ? { ...result, errorCode: ErrorCode.REQUEST_TIMED_OUT } : result,
      acksPending,
    }))
    this.#checkReached = checkReached
    this.#callback = callback
  }

  override tryComplete(): boolean {
    let pending = false
    for (const status of this.#status) {
      if (!status.acksPending) continue
      const { reached, errorCode } = this.#checkReached(status.result.topicIdPartition, status.requiredOffset)
      if (!reached && errorCode === ErrorCode.NONE) {
        pending = true
        continue
      }
      status.acksPending = false
      status.result = { ...status.result, errorCode }
    }
    return pending ? false : this.forceComplete()
  }

  override onComplete(): void {
    this.#callback(this.#status.map(({ result }) => result))
  }

  override onExpiration(): void {}
}
