import { api } from '../api.ts'
import {
  array,
  bool,
  int8,
  int16,
  int32,
  type Message,
  type MessageInput,
  message,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * ConsumerGroupDescribe Request (Version: 0-1, flexible from 0) => [group_ids] include_authorized_operations
 *   group_ids => ARRAY(STRING)
 *   include_authorized_operations => BOOLEAN
 */
export const ConsumerGroupDescribeRequest = message({
  groupIds: array(string()),
  includeAuthorizedOperations: bool(),
})
export type ConsumerGroupDescribeRequest = Message<typeof ConsumerGroupDescribeRequest>

const Assignment = message({
  topicPartitions: array({ topicId: uuid(), topicName: string(), partitions: array(int32()) }),
})

/**
 * ConsumerGroupDescribe Response (Version: 0-1, flexible from 0) => throttle_time_ms [groups]
 *   throttle_time_ms => INT32
 *   groups => error_code error_message group_id group_state group_epoch assignment_epoch assignor_name [members]
 *       authorized_operations
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 *     group_id => STRING
 *     group_state => STRING
 *     group_epoch => INT32
 *     assignment_epoch => INT32
 *     assignor_name => STRING
 *     members => member_id instance_id rack_id member_epoch client_id client_host [subscribed_topic_names]
 *         subscribed_topic_regex assignment target_assignment member_type
 *       member_id => STRING
 *       instance_id => NULLABLE_STRING
 *       rack_id => NULLABLE_STRING
 *       member_epoch => INT32
 *       client_id => STRING
 *       client_host => STRING
 *       subscribed_topic_names => ARRAY(STRING)
 *       subscribed_topic_regex => NULLABLE_STRING
 *       assignment => [topic_partitions]
 *         topic_partitions => topic_id topic_name [partitions]
 *           topic_id => UUID
 *           topic_name => STRING
 *           partitions => ARRAY(INT32)
 *       target_assignment => [topic_partitions]
 *         topic_partitions => topic_id topic_name [partitions]
 *           topic_id => UUID
 *           topic_name => STRING
 *           partitions => ARRAY(INT32)
 *       member_type (1+) => INT8
 *     authorized_operations => INT32
 */
export const ConsumerGroupDescribeResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  groups: array({
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    groupId: string(),
    groupState: string(),
    groupEpoch: int32(),
    assignmentEpoch: int32(),
    assignorName: string(),
    members: array({
      memberId: string(),
      instanceId: string({ nullable: true, default: null }),
      rackId: string({ nullable: true, default: null }),
      memberEpoch: int32(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: array(string()),
      subscribedTopicRegex: string({ nullable: true, default: null }),
      assignment: struct(Assignment),
      targetAssignment: struct(Assignment),
      /** −1: not told; 0: speaks the classic protocol; 1: the consumer protocol (KIP-1099). */
      memberType: int8({ since: 1, default: -1, ignorable: true }),
    }),
    authorizedOperations: int32({ default: -2_147_483_648 }),
  }),
})
export type ConsumerGroupDescribeResponse = Message<typeof ConsumerGroupDescribeResponse>
export type ConsumerGroupDescribeResponseInput = MessageInput<typeof ConsumerGroupDescribeResponse>

/** KIP-848. */
export const ConsumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexibleSince: 0,
  request: ConsumerGroupDescribeRequest,
  response: ConsumerGroupDescribeResponse,
})
