import { ListOffsetsTimestamp } from '../protocol/apis/list-offsets.ts'
import { NO_TIMESTAMP } from '../protocol/records/layout.ts'
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts'
import type { LogSegment } from './log-segment.ts'
import type { LogSegments } from './log-segments.ts'

export interface TimestampAndOffset {
  /** Milliseconds since 1970; -1 where a special timestamp was asked for. */
  readonly timestamp: number
  readonly offset: number
  /** Epoch of the leader that wrote the record, undefined when not known. */
  readonly leaderEpoch: number | undefined
}

export interface LookupState {
  readonly segments: LogSegments
  readonly leaderEpochCache: LeaderEpochFileCache
  readonly logStartOffset: number
  readonly logEndOffset: number
}

/**
 * The offset for a timestamp, special or not (Kafka's UnifiedLog.fetchOffsetByTimestamp); undefined when no record is that
 * young, or nothing is tiered. What readers may see is for the caller to bound.
 */
export async function lookupOffset(state: LookupState, timestamp: number): Promise<TimestampAndOffset | undefined> {
  const { leaderEpochCache, logStartOffset, logEndOffset } = state
  switch (timestamp) {
    case ListOffsetsTimestamp.EARLIEST:
    case ListOffsetsTimestamp.EARLIEST_LOCAL: {
      const earliest = leaderEpochCache.earliestEntry
      const leaderEpoch = earliest !== undefined && earliest.startOffset <= logStartOffset ? earliest.epoch : undefined
      return { timestamp: NO_TIMESTAMP, offset: logStartOffset, leaderEpoch }
    }
    case ListOffsetsTimestamp.LATEST:
      return { timestamp: NO_TIMESTAMP, offset: logEndOffset, leaderEpoch: leaderEpochCache.latestEpoch }
    case ListOffsetsTimestamp.LATEST_TIERED:
    case ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD:
      return { timestamp: NO_TIMESTAMP, offset: -1, leaderEpoch: undefined }
    case ListOffsetsTimestamp.MAX_TIMESTAMP:
      return lookupMaxTimestamp(state)
    default:
      return lookupTimestamp(state, timestamp)
  }
}

async function lookupTimestamp(state: LookupState, timestamp: number): Promise<TimestampAndOffset | undefined> {
  for (const segment of [...state.segments.values()]) {
    if (segment.maxTimestampSoFar.timestamp < timestamp) continue
    const found = await segment.findOffsetByTimestamp(timestamp, state.logStartOffset)
    if (found !== undefined) return known(found)
  }
  return undefined
}

/** The first record with the largest timestamp of all. */
async function lookupMaxTimestamp(state: LookupState): Promise<TimestampAndOffset | undefined> {
  let latest: LogSegment | undefined
  for (const segment of state.segments.values()) {
    if (latest === undefined || segment.maxTimestampSoFar.timestamp > latest.maxTimestampSoFar.timestamp)
      latest = segment
  }
  if (latest === undefined || latest.maxTimestampSoFar.timestamp < 0) return undefined
  const found = await latest.findOffsetByTimestamp(latest.maxTimestampSoFar.timestamp, state.logStartOffset)
  return found === undefined ? undefined : known(found)
}

function known(found: { timestamp: number; offset: number; leaderEpoch: number }): TimestampAndOffset {
  return { ...found, leaderEpoch: found.leaderEpoch >= 0 ? found.leaderEpoch : undefined }
}
