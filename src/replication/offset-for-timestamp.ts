import type { TimestampAndOffset } from '../log/log-offset-lookup.ts'
import type { FetchIsolation, UnifiedLog } from '../log/unified-log.ts'
import { ListOffsetsTimestamp } from '../protocol/apis/list-offsets.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'

export interface OffsetForTimestampQuery {
  /** Milliseconds since 1970, or one of `ListOffsetsTimestamp`. */
  readonly timestamp: number
  /** How far the reader sees; `log-end`: everything. */
  readonly isolation: FetchIsolation
  readonly leaderEpoch: number
  /** Undefined on a follower. */
  readonly leaderEpochStartOffset: number | undefined
}

/**
 * The offset for a timestamp in a replica's log. Rejects with OFFSET_NOT_AVAILABLE while a new leader's high watermark has not
 * reached its epoch (KIP-207): what lies beyond might be committed.
 */
export async function offsetForTimestamp(
  log: UnifiedLog,
  { timestamp, isolation, leaderEpoch, leaderEpochStartOffset }: OffsetForTimestampQuery,
): Promise<TimestampAndOffset | undefined> {
  const lastFetchableOffset = isolation === 'log-end' ? log.logEndOffset : log.highWatermark
  const isBehindEpoch = isolation !== 'log-end' && (leaderEpochStartOffset ?? 0) > log.highWatermark
  if (timestamp === ListOffsetsTimestamp.LATEST) {
    if (isBehindEpoch) throw offsetNotAvailable(log)
    return { timestamp: -1, offset: lastFetchableOffset, leaderEpoch }
  }
  const found = await log.fetchOffsetByTimestamp(timestamp)
  // The log's start is committed by nature, and what is tiered as well.
  if (timestamp < 0 && timestamp !== ListOffsetsTimestamp.MAX_TIMESTAMP) return found
  if (found !== undefined && found.offset < lastFetchableOffset) return found
  if (isBehindEpoch) throw offsetNotAvailable(log)
  return undefined
}

function offsetNotAvailable(log: UnifiedLog): ApiError {
  return new ApiError(
    ErrorCode.OFFSET_NOT_AVAILABLE,
    `the high watermark ${log.highWatermark} of ${log.name} has not reached its leader epoch's beginning yet`,
  )
}
