/** What of a committed offset decides whether it has expired. Timestamps are wall-clock milliseconds. */
export interface ExpirableOffset {
  readonly commitTimestampMs: number
  /** Set by commits of OffsetCommit versions 2 to 4 that named a retention time; undefined: the group's retention counts. */
  readonly expireTimestampMs: number | undefined
}

/** Whether a committed offset has expired (Kafka's OffsetExpirationCondition). */
export interface OffsetExpirationCondition {
  isOffsetExpired(offset: ExpirableOffset, currentTimestampMs: number, offsetsRetentionMs: number): boolean
}

/** Offsets expire a retention time after `baseTimestampMs`, unless they say when themselves (KIP-211). */
export function expiresAfter(baseTimestampMs: (offset: ExpirableOffset) => number): OffsetExpirationCondition {
  return {
    isOffsetExpired(offset, currentTimestampMs, offsetsRetentionMs) {
      if (offset.expireTimestampMs !== undefined) return currentTimestampMs >= offset.expireTimestampMs
      return currentTimestampMs - baseTimestampMs(offset) >= offsetsRetentionMs
    },
  }
}
