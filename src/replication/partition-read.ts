import { UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET } from '../log/leader-epoch-file-cache.ts'
import type { FetchDataInfo } from '../log/local-log.ts'
import type { LogAppendInfo } from '../log/log-append-info.ts'
import { OffsetOutOfRangeError } from '../log/log-errors.ts'
import type { LogOffsetMetadata } from '../log/log-offset-metadata.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'

export interface LeaderAppendResult {
  readonly info: LogAppendInfo
  /** Whether the append moved the high watermark: delayed fetches and produces may be complete now. */
  readonly highWatermarkIncreased: boolean
}

/** The offsets of a log at one moment (Kafka's LogOffsetSnapshot). */
export interface LogOffsetSnapshot {
  readonly logStartOffset: number
  readonly logEndOffset: LogOffsetMetadata
  readonly highWatermark: LogOffsetMetadata
  readonly lastStableOffset: LogOffsetMetadata
}

export interface PartitionReadResult {
  readonly fetched: FetchDataInfo
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number }
}

export interface PartitionReadRequest {
  readonly fetchOffset: number
  readonly maxBytes: number
  readonly isolation: FetchIsolation
  readonly minOneMessage: boolean
  /** -1: not given. */
  readonly currentLeaderEpoch: number
  /** -1: not given. */
  readonly lastFetchedEpoch: number
}

/** Who follows and fetches. */
export interface FetchingFollower {
  readonly replicaId: number
  /** The epoch under which it is registered; -1: not told. */
  readonly brokerEpoch: number
  /** Of its log. */
  readonly logStartOffset: number
  /** Whether the fetch tells where the follower stands; one that has waited told it when it came. */
  readonly updateFetchState: boolean
}

/**
 * Where the fetcher's log parts from this one, if it does before the offset it asks for (KIP-595). Throws OFFSET_OUT_OF_RANGE
 * where this log cannot tell.
 */
export function divergingEpoch(
  log: UnifiedLog,
  { fetchOffset, lastFetchedEpoch }: Pick<PartitionReadRequest, 'fetchOffset' | 'lastFetchedEpoch'>,
): { readonly epoch: number; readonly endOffset: number } | undefined {
  if (lastFetchedEpoch < 0) return undefined
  const { epoch, endOffset } = log.endOffsetForEpoch(lastFetchedEpoch)
  if (epoch === UNDEFINED_EPOCH || endOffset === UNDEFINED_EPOCH_OFFSET) {
    throw new OffsetOutOfRangeError(fetchOffset, `${log.name} knows nothing of leader epoch ${lastFetchedEpoch}`)
  }
  if (fetchOffset < log.logStartOffset) {
    throw new OffsetOutOfRangeError(fetchOffset, `${log.name} begins at ${log.logStartOffset}`)
  }
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : undefined
}
