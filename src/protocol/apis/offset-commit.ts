import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, type MessageInput, message, string, uuid } from '../schema.ts'

/**
 * OffsetCommit Request (Version: 2-10, flexible from 8) => group_id generation_id_or_member_epoch member_id
 *     group_instance_id retention_time_ms [topics]
 *   group_id => STRING
 *   generation_id_or_member_epoch => INT32
 *   member_id => STRING
 *   group_instance_id (7+) => NULLABLE_STRING
 *   retention_time_ms (2-4) => INT64
 *   topics => name topic_id [partitions]
 *     name (2-9) => STRING
 *     topic_id (10+) => UUID
 *     partitions => partition_index committed_offset committed_leader_epoch committed_metadata
 *       partition_index => INT32
 *       committed_offset => INT64
 *       committed_leader_epoch (6+) => INT32
 *       committed_metadata => NULLABLE_STRING
 */
export const OffsetCommitRequest = message({
  groupId: string(),
  /** −1: the committer is no member; it manages its partitions itself. */
  generationIdOrMemberEpoch: int32({ default: -1 }),
  memberId: string(),
  groupInstanceId: string({ since: 7, nullable: true, default: null }),
  /** −1: as the broker is configured. */
  retentionTimeMs: int64({ until: 4, default: -1, ignorable: true }),
  topics: array({
    name: string({ until: 9, ignorable: true }),
    topicId: uuid({ since: 10, ignorable: true }),
    partitions: array({
      partitionIndex: int32(),
      committedOffset: int64(),
      committedLeaderEpoch: int32({ since: 6, default: -1, ignorable: true }),
      committedMetadata: string({ nullable: true }),
    }),
  }),
})
export type OffsetCommitRequest = Message<typeof OffsetCommitRequest>

/**
 * OffsetCommit Response (Version: 2-10, flexible from 8) => throttle_time_ms [topics]
 *   throttle_time_ms (3+) => INT32
 *   topics => name topic_id [partitions]
 *     name (2-9) => STRING
 *     topic_id (10+) => UUID
 *     partitions => partition_index error_code
 *       partition_index => INT32
 *       error_code => INT16
 */
export const OffsetCommitResponse = message({
  throttleTimeMs: int32({ since: 3, ignorable: true }),
  topics: array({
    name: string({ until: 9, ignorable: true }),
    topicId: uuid({ since: 10, ignorable: true }),
    partitions: array({ partitionIndex: int32(), errorCode: int16() }),
  }),
})
export type OffsetCommitResponse = Message<typeof OffsetCommitResponse>
export type OffsetCommitResponseInput = MessageInput<typeof OffsetCommitResponse>

export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [2, 10],
  flexibleSince: 8,
  request: OffsetCommitRequest,
  response: OffsetCommitResponse,
})
