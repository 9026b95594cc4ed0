import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * JoinGroup Request (Version: 0-9, flexible from 6) => group_id session_timeout_ms rebalance_timeout_ms member_id
 *     group_instance_id protocol_type [protocols] reason
 *   group_id => STRING
 *   session_timeout_ms => INT32
 *   rebalance_timeout_ms (1+) => INT32
 *   member_id => STRING
 *   group_instance_id (5+) => NULLABLE_STRING
 *   protocol_type => STRING
 *   protocols => name metadata
 *     name => STRING
 *     metadata => BYTES
 *   reason (8+) => NULLABLE_STRING
 */
export const JoinGroupRequest = message({
  groupId: string(),
  sessionTimeoutMs: int32(),
  /** −1 where the version lacks it: the session timeout stands for it. */
  rebalanceTimeoutMs: int32({ since: 1, default: -1, ignorable: true }),
  /** Empty: the member has no id yet. */
  memberId: string(),
  groupInstanceId: string({ since: 5, nullable: true, default: null }),
  protocolType: string(),
  protocols: array({ name: string(), metadata: bytes() }),
  /** Why the member joins (KIP-800). */
  reason: string({ since: 8, nullable: true, default: null, ignorable: true }),
})
export type JoinGroupRequest = Message<typeof JoinGroupRequest>

/**
 * JoinGroup Response (Version: 0-9, flexible from 6) => throttle_time_ms error_code generation_id protocol_type
 *     protocol_name leader skip_assignment member_id [members]
 *   throttle_time_ms (2+) => INT32
 *   error_code => INT16
 *   generation_id => INT32
 *   protocol_type (7+) => NULLABLE_STRING
 *   protocol_name => STRING | NULLABLE_STRING (7+)
 *   leader => STRING
 *   skip_assignment (9+) => BOOLEAN
 *   member_id => STRING
 *   members => member_id group_instance_id metadata
 *     member_id => STRING
 *     group_instance_id (5+) => NULLABLE_STRING
 *     metadata => BYTES
 */
export const JoinGroupResponse = message({
  throttleTimeMs: int32({ since: 2, ignorable: true }),
  errorCode: int16(),
  generationId: int32({ default: -1 }),
  protocolType: string({ since: 7, nullable: true, default: null, ignorable: true }),
  protocolName: string({ nullableSince: 7 }),
  leader: string(),
  /** Whether the leader must leave the assignment as it is (KIP-814). */
  skipAssignment: bool({ since: 9, default: false }),
  memberId: string(),
  /** All members, told to the leader alone. */
  members: array({
    memberId: string(),
    groupInstanceId: string({ since: 5, nullable: true, default: null, ignorable: true }),
    metadata: bytes(),
  }),
})
export type JoinGroupResponse = Message<typeof JoinGroupResponse>
export type JoinGroupResponseInput = MessageInput<typeof JoinGroupResponse>

/** From version 4 on a member without an id is given one and told to ask again with it (KIP-394). */
export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleSince: 6,
  request: JoinGroupRequest,
  response: JoinGroupResponse,
})
