/** A committed offset: that of the next record to read. */
export interface OffsetAndMetadata {
  readonly offset: number
  /** Of the record before it, if known: shows later whether the log was cut below it (KIP-320). */
  readonly leaderEpoch?: number | undefined
  /** Free text of the application; default none. */
  readonly metadata?: string
}

/** The answer to a search by time. */
export interface OffsetAndTimestamp {
  readonly offset: number
  /** Of that record, in milliseconds since 1970. */
  readonly timestamp: number
  readonly leaderEpoch: number | undefined
}
