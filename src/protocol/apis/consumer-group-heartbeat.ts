import { api } from '../api.ts'
import { array, int16, int32, type Message, type MessageInput, message, string, struct, uuid } from '../schema.ts'

/**
 * ConsumerGroupHeartbeat Request (Version: 0-1, flexible from 0) => group_id member_id member_epoch instance_id
 *     rack_id rebalance_timeout_ms [subscribed_topic_names] subscribed_topic_regex server_assignor
 *     [topic_partitions]
 *   group_id => STRING
 *   member_id => STRING
 *   member_epoch => INT32
 *   instance_id => NULLABLE_STRING
 *   rack_id => NULLABLE_STRING
 *   rebalance_timeout_ms => INT32
 *   subscribed_topic_names => NULLABLE_ARRAY(STRING)
 *   subscribed_topic_regex (1+) => NULLABLE_STRING
 *   server_assignor => NULLABLE_STRING
 *   topic_partitions (nullable) => topic_id [partitions]
 *     topic_id => UUID
 *     partitions => ARRAY(INT32)
 */
export const ConsumerGroupHeartbeatRequest = message({
  groupId: string(),
  memberId: string(),
  /** 0: joins; −1: leaves; −2: a static member leaves for a while. */
  memberEpoch: int32(),
  /** Null, here and in the fields below (−1 for the timeout): as in the heartbeat before. */
  instanceId: string({ nullable: true, default: null }),
  rackId: string({ nullable: true, default: null }),
  rebalanceTimeoutMs: int32({ default: -1 }),
  subscribedTopicNames: array(string(), { nullable: true, default: null }),
  subscribedTopicRegex: string({ since: 1, nullable: true, default: null }),
  serverAssignor: string({ nullable: true, default: null }),
  /** The partitions that the member owns. */
  topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }, { nullable: true, default: null }),
})
export type ConsumerGroupHeartbeatRequest = Message<typeof ConsumerGroupHeartbeatRequest>

/**
 * ConsumerGroupHeartbeat Response (Version: 0-1, flexible from 0) => throttle_time_ms error_code error_message
 *     member_id member_epoch heartbeat_interval_ms assignment
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 *   member_id => NULLABLE_STRING
 *   member_epoch => INT32
 *   heartbeat_interval_ms => INT32
 *   assignment (nullable) => [topic_partitions]
 *     topic_partitions => topic_id [partitions]
 *       topic_id => UUID
 *       partitions => ARRAY(INT32)
 */
export const ConsumerGroupHeartbeatResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16(),
  errorMessage: string({ nullable: true, default: null }),
  memberId: string({ nullable: true, default: null }),
  memberEpoch: int32(),
  heartbeatIntervalMs: int32(),
  /** Null: as told before. */
  assignment: struct(
    { topicPartitions: array({ topicId: uuid(), partitions: array(int32()) }) },
    { nullable: true, default: null },
  ),
})
export type ConsumerGroupHeartbeatResponse = Message<typeof ConsumerGroupHeartbeatResponse>
export type ConsumerGroupHeartbeatResponseInput = MessageInput<typeof ConsumerGroupHeartbeatResponse>

/** KIP-848. From version 1 on members make their ids themselves (KIP-1082). */
export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: ConsumerGroupHeartbeatRequest,
  response: ConsumerGroupHeartbeatResponse,
})
