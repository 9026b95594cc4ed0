import { api } from '../api.ts'
import { array, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * LeaveGroup Request (Version: 0-5, flexible from 4) => group_id member_id [members]
 *   group_id => STRING
 *   member_id (0-2) => STRING
 *   members (3+) => member_id group_instance_id reason
 *     member_id => STRING
 *     group_instance_id => NULLABLE_STRING
 *     reason (5+) => NULLABLE_STRING
 */
export const LeaveGroupRequest = message({
  groupId: string(),
  memberId: string({ until: 2 }),
  members: array(
    {
      /** Empty: the static member, whatever its id. */
      memberId: string(),
      groupInstanceId: string({ nullable: true, default: null }),
      /** Why the member leaves (KIP-800). */
      reason: string({ since: 5, nullable: true, default: null, ignorable: true }),
    },
    { since: 3 },
  ),
})
export type LeaveGroupRequest = Message<typeof LeaveGroupRequest>

/**
 * LeaveGroup Response (Version: 0-5, flexible from 4) => throttle_time_ms error_code [members]
 *   throttle_time_ms (1+) => INT32
 *   error_code => INT16
 *   members (3+) => member_id group_instance_id error_code
 *     member_id => STRING
 *     group_instance_id => NULLABLE_STRING
 *     error_code => INT16
 */
export const LeaveGroupResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  errorCode: int16(),
  members: array({ memberId: string(), groupInstanceId: string({ nullable: true }), errorCode: int16() }, { since: 3 }),
})
export type LeaveGroupResponse = Message<typeof LeaveGroupResponse>
export type LeaveGroupResponseInput = MessageInput<typeof LeaveGroupResponse>

export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: LeaveGroupRequest,
  response: LeaveGroupResponse,
})
