import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, type MessageInput, message, string, uuid } from '../schema.ts'

/**
 * OffsetFetch Request (Version: 1-10, flexible from 6) => group_id [topics] [groups] require_stable
 *   group_id (1-7) => STRING
 *   topics (1-7) (nullable 2+) => name [partition_indexes]
 *     name => STRING
 *     partition_indexes => ARRAY(INT32)
 *   groups (8+) => group_id member_id member_epoch [topics]
 *     group_id => STRING
 *     member_id (9+) => NULLABLE_STRING
 *     member_epoch (9+) => INT32
 *     topics (nullable) => name topic_id [partition_indexes]
 *       name (1-9) => STRING
 *       topic_id (10+) => UUID
 *       partition_indexes => ARRAY(INT32)
 *   require_stable (7+) => BOOLEAN
 */
export const OffsetFetchRequest = message({
  groupId: string({ until: 7 }),
  /** Null: all topics. */
  topics: array({ name: string(), partitionIndexes: array(int32()) }, { until: 7, nullableSince: 2 }),
  groups: array(
    {
      groupId: string(),
      memberId: string({ since: 9, nullable: true, default: null, ignorable: true }),
      memberEpoch: int32({ since: 9, default: -1, ignorable: true }),
      /** Null: all topics. */
      topics: array(
        {
          name: string({ until: 9, ignorable: true }),
          topicId: uuid({ since: 10, ignorable: true }),
          partitionIndexes: array(int32()),
        },
        { nullable: true },
      ),
    },
    { since: 8 },
  ),
  /** Whether offsets that a transaction is about to change are answered with an error (KIP-447). */
  requireStable: bool({ since: 7, default: false }),
})
export type OffsetFetchRequest = Message<typeof OffsetFetchRequest>

/**
 * OffsetFetch Response (Version: 1-10, flexible from 6) => throttle_time_ms [topics] error_code [groups]
 *   throttle_time_ms (3+) => INT32
 *   topics (1-7) => name [partitions]
 *     name => STRING
 *     partitions => partition_index committed_offset committed_leader_epoch metadata error_code
 *       partition_index => INT32
 *       committed_offset => INT64
 *       committed_leader_epoch (5+) => INT32
 *       metadata => NULLABLE_STRING
 *       error_code => INT16
 *   error_code (2-7) => INT16
 *   groups (8+) => group_id [topics] error_code
 *     group_id => STRING
 *     topics => name topic_id [partitions]
 *       name (1-9) => STRING
 *       topic_id (10+) => UUID
 *       partitions => partition_index committed_offset committed_leader_epoch metadata error_code
 *         partition_index => INT32
 *         committed_offset => INT64
 *         committed_leader_epoch => INT32
 *         metadata => NULLABLE_STRING
 *         error_code => INT16
 *     error_code => INT16
 */
export const OffsetFetchResponse = message({
  throttleTimeMs: int32({ since: 3, ignorable: true }),
  topics: array(
    {
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 5, default: -1, ignorable: true }),
        metadata: string({ nullable: true }),
        errorCode: int16(),
      }),
    },
    { until: 7 },
  ),
  errorCode: int16({ since: 2, until: 7, ignorable: true }),
  groups: array(
    {
      groupId: string(),
      topics: array({
        name: string({ until: 9, ignorable: true }),
        topicId: uuid({ since: 10, ignorable: true }),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ default: -1 }),
          metadata: string({ nullable: true }),
          errorCode: int16(),
        }),
      }),
      errorCode: int16({ default: 0 }),
    },
    { since: 8 },
  ),
})
export type OffsetFetchResponse = Message<typeof OffsetFetchResponse>
export type OffsetFetchResponseInput = MessageInput<typeof OffsetFetchResponse>

export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [1, 10],
  flexibleSince: 6,
  request: OffsetFetchRequest,
  response: OffsetFetchResponse,
})
