import { api } from '../api.ts'
import { array, bytes, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * SyncGroup Request (Version: 0-5, flexible from 4) => group_id generation_id member_id group_instance_id
 *     protocol_type protocol_name [assignments]
 *   group_id => STRING
 *   generation_id => INT32
 *   member_id => STRING
 *   group_instance_id (3+) => NULLABLE_STRING
 *   protocol_type (5+) => NULLABLE_STRING
 *   protocol_name (5+) => NULLABLE_STRING
 *   assignments => member_id assignment
 *     member_id => STRING
 *     assignment => BYTES
 */
export const SyncGroupRequest = message({
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: string({ since: 3, nullable: true, default: null }),
  /** What the member believes the group speaks (KIP-559). */
  protocolType: string({ since: 5, nullable: true, default: null, ignorable: true }),
  protocolName: string({ since: 5, nullable: true, default: null, ignorable: true }),
  /** Empty from all but the leader. */
  assignments: array({ memberId: string(), assignment: bytes() }),
})
export type SyncGroupRequest = Message<typeof SyncGroupRequest>

/**
 * SyncGroup Response (Version: 0-5, flexible from 4) => throttle_time_ms error_code protocol_type protocol_name
 *     assignment
 *   throttle_time_ms (1+) => INT32
 *   error_code => INT16
 *   protocol_type (5+) => NULLABLE_STRING
 *   protocol_name (5+) => NULLABLE_STRING
 *   assignment => BYTES
 */
export const SyncGroupResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  errorCode: int16(),
  protocolType: string({ since: 5, nullable: true, default: null, ignorable: true }),
  protocolName: string({ since: 5, nullable: true, default: null, ignorable: true }),
  assignment: bytes(),
})
export type SyncGroupResponse = Message<typeof SyncGroupResponse>
export type SyncGroupResponseInput = MessageInput<typeof SyncGroupResponse>

export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: SyncGroupRequest,
  response: SyncGroupResponse,
})
