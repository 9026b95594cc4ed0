import { UNDEFINED_EPOCH_OFFSET } from '../log/leader-epoch-file-cache.ts'
import type { UnifiedLog } from '../log/unified-log.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'
import type { BrokerEndPoint, FetchTarget } from './leader-end-point.ts'

/** Where a follower is to begin (Kafka's InitialFetchState). */
export interface InitialFetchState {
  readonly partition: TopicIdPartition
  readonly leader: BrokerEndPoint
  readonly currentLeaderEpoch: number
  /** Its end offset, or its high watermark when its log knows no leader epoch. */
  readonly initialOffset: number
}

/** Where the copying of one partition stands (Kafka's PartitionFetchState). Never changed in place. */
export interface PartitionFetchState {
  /** What the next fetch asks for. */
  readonly target: FetchTarget
  /** `truncating`: the log knows no leader epochs, and must be cut to the high watermark before anything is fetched. */
  readonly phase: 'fetching' | 'truncating'
  /** Nothing is done before this monotonic time: something went wrong. 0: no delay. */
  readonly delayedUntilMs: number
}

export function initialFetchState(
  { partition, currentLeaderEpoch, initialOffset }: InitialFetchState,
  log: UnifiedLog,
): PartitionFetchState {
  const { latestEpoch, logStartOffset } = log
  return {
    target: {
      partition,
      fetchOffset: initialOffset,
      logStartOffset,
      currentLeaderEpoch,
      lastFetchedEpoch: latestEpoch ?? -1,
    },
    phase: latestEpoch === undefined ? 'truncating' : 'fetching',
    delayedUntilMs: 0,
  }
}

/** The state of a follower whose log has been cut or begun anew. */
export function resumedAt(
  state: PartitionFetchState,
  fetchOffset: number,
  { latestEpoch, logStartOffset }: UnifiedLog,
): PartitionFetchState {
  const target = { ...state.target, fetchOffset, logStartOffset, lastFetchedEpoch: latestEpoch ?? -1 }
  return { target, phase: 'fetching', delayedUntilMs: state.delayedUntilMs }
}

/**
 * Up to where a follower keeps its log when the leader's parts from it (Kafka's getOffsetTruncationState). The leader has told
 * the largest epoch that both may know, and where that ends in its log. When the follower does not know that epoch, it keeps
 * what it has of earlier ones, and its next fetch asks again from there (KIP-279). When the leader does not know where the
 * epoch ends, -1, the follower keeps what is below its fetch offset.
 *
 * @throws ApiError UNKNOWN_SERVER_ERROR for an end that no log can have
 */
export function truncationOffset(
  log: UnifiedLog,
  fetchOffset: number,
  leader: { readonly epoch: number; readonly endOffset: number },
): number {
  const { logEndOffset } = log
  if (leader.endOffset === UNDEFINED_EPOCH_OFFSET) return fetchOffset
  if (leader.endOffset < 0) {
    const what = `the leader of ${log.name} lets epoch ${leader.epoch} end at offset ${leader.endOffset}`
    throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `${what}, which must be -1 or more`)
  }
  const own = log.endOffsetForEpoch(leader.epoch)
  if (own.epoch === -1) return Math.min(leader.endOffset, logEndOffset)
  if (own.epoch !== leader.epoch) return Math.min(own.endOffset, logEndOffset)
  return Math.min(own.endOffset, leader.endOffset, logEndOffset)
}
