import type { GroupCoordinatorRecord, OffsetCommitValue } from './group-coordinator-records.ts'
import type { ExpirableOffset } from './offset-expiration-condition.ts'

/** A committed offset (Kafka's OffsetAndMetadata). Timestamps are wall-clock milliseconds. */
export interface OffsetAndMetadata extends ExpirableOffset {
  readonly committedOffset: number
  /** −1: not told. */
  readonly leaderEpoch: number
  readonly metadata: string
  /** The zero UUID: not told. */
  readonly topicId: string
}

export function offsetAndMetadataFromRecord(value: OffsetCommitValue): OffsetAndMetadata {
  return {
    committedOffset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: value.commitTimestamp,
    expireTimestampMs: value.expireTimestamp < 0 ? undefined : value.expireTimestamp,
    topicId: value.topicId,
  }
}

/** The record by which an offset is committed. */
export function offsetCommitRecord(
  group: string,
  topic: string,
  partition: number,
  offset: OffsetAndMetadata,
): GroupCoordinatorRecord {
  return {
    type: 'OffsetCommit',
    key: { group, topic, partition },
    value: {
      offset: offset.committedOffset,
      leaderEpoch: offset.leaderEpoch,
      metadata: offset.metadata,
      commitTimestamp: offset.commitTimestampMs,
      expireTimestamp: offset.expireTimestampMs ?? -1,
      topicId: offset.topicId,
    },
  }
}

/** The record by which a committed offset is forgotten. */
export function offsetCommitTombstone(group: string, topic: string, partition: number): GroupCoordinatorRecord {
  return { type: 'OffsetCommit', key: { group, topic, partition }, value: null }
}
