import { isMessageOffsetOnly, type LogOffsetMetadata } from '../log/log-offset-metadata.ts'
import { ApiError } from '../protocol/errors.ts'
import { DelayedOperation } from '../runtime/delayed-operation.ts'
import type { FetchParams, FetchPartitionRequest } from './fetch-params.ts'
import type { Partition } from './partition.ts'

export interface FetchPartitionStatus {
  readonly startOffsetMetadata: LogOffsetMetadata
  readonly request: FetchPartitionRequest
}

export interface DelayedFetchOptions {
  readonly params: FetchParams
  readonly status: readonly FetchPartitionStatus[]
  /** Throws `ApiError` when this broker does not host the partition. */
  readonly getPartition: (request: FetchPartitionRequest) => Partition
  /** Reads again and answers. `expired`: its time is over, and the timer's thread may do so itself. */
  readonly complete: (expired: boolean) => void
}

/**
 * A fetch that waits until enough bytes have come (Kafka's DelayedFetch). It completes early when waiting has no more sense:
 * this broker no longer leads, the log was truncated or has rolled, the epoch is fenced.
 */
export class DelayedFetch extends DelayedOperation {
  readonly #options: DelayedFetchOptions
  #expiring = false

  constructor(options: DelayedFetchOptions) {
    super(options.params.maxWaitMs)
    this.#options = options
  }

  override tryComplete(): boolean {
    let accumulatedBytes = 0
    for (const status of this.#options.status) {
      const bytes = this.#availableBytes(status)
      if (bytes === undefined) return this.forceComplete()
      accumulatedBytes += bytes
    }
    return accumulatedBytes >= this.#options.params.minBytes ? this.forceComplete() : false
  }

  override onComplete(): void {
    this.#options.complete(this.#expiring)
  }

  override onExpiration(): void {}

  override run(): void {
    this.#expiring = true
    super.run()
  }

  /** Bytes that the partition could give now; undefined when there is nothing to wait for. */
  #availableBytes({ startOffsetMetadata: start, request }: FetchPartitionStatus): number | undefined {
    try {
      const partition = this.#options.getPartition(request)
      const { params } = this.#options
      const snapshot = partition.fetchOffsetSnapshot(request.currentLeaderEpoch, params.requireLeader)
      if (hasDiverged(partition, request)) return undefined
      const end = params.isolation === 'log-end' ? snapshot.logEndOffset : snapshot.highWatermark
      if (end.messageOffset === start.messageOffset) return 0
      // Truncated below where the fetch began.
      if (end.messageOffset < start.messageOffset) return undefined
      // One byte is the least that can have come where the distance is not known.
      if (isMessageOffsetOnly(end) || isMessageOffsetOnly(start)) return 1
      if (start.segmentBaseOffset < end.segmentBaseOffset) return undefined
      return Math.min(end.relativePositionInSegment - start.relativePositionInSegment, request.maxBytes)
    } catch (error) {
      if (error instanceof ApiError) return undefined
      throw error
    }
  }
}

function hasDiverged(
  partition: Partition,
  { currentLeaderEpoch, lastFetchedEpoch, fetchOffset }: FetchPartitionRequest,
) {
  if (lastFetchedEpoch < 0) return false
  const { epoch, endOffset } = partition.lastOffsetForLeaderEpoch(currentLeaderEpoch, lastFetchedEpoch, false)
  return epoch < lastFetchedEpoch || endOffset < fetchOffset
}
