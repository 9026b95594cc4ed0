import { api } from '../api.ts'
import { array, bool, bytes, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * DescribeGroups Request (Version: 0-6, flexible from 5) => [groups] include_authorized_operations
 *   groups => ARRAY(STRING)
 *   include_authorized_operations (3+) => BOOLEAN
 */
export const DescribeGroupsRequest = message({
  groups: array(string()),
  includeAuthorizedOperations: bool({ since: 3 }),
})
export type DescribeGroupsRequest = Message<typeof DescribeGroupsRequest>

/**
 * DescribeGroups Response (Version: 0-6, flexible from 5) => throttle_time_ms [groups]
 *   throttle_time_ms (1+) => INT32
 *   groups => error_code error_message group_id group_state protocol_type protocol_data [members]
 *       authorized_operations
 *     error_code => INT16
 *     error_message (6+) => NULLABLE_STRING
 *     group_id => STRING
 *     group_state => STRING
 *     protocol_type => STRING
 *     protocol_data => STRING
 *     members => member_id group_instance_id client_id client_host member_metadata member_assignment
 *       member_id => STRING
 *       group_instance_id (4+) => NULLABLE_STRING
 *       client_id => STRING
 *       client_host => STRING
 *       member_metadata => BYTES
 *       member_assignment => BYTES
 *     authorized_operations (3+) => INT32
 */
export const DescribeGroupsResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  groups: array({
    errorCode: int16(),
    /** Not in earlier versions, so null there (KIP-1043). */
    errorMessage: string({ since: 6, nullable: true, default: null }),
    groupId: string(),
    groupState: string(),
    protocolType: string(),
    /** The name of the protocol chosen; empty unless the group is stable. */
    protocolData: string(),
    members: array({
      memberId: string(),
      groupInstanceId: string({ since: 4, nullable: true, default: null, ignorable: true }),
      clientId: string(),
      clientHost: string(),
      /** Empty unless the group is stable, and so is the assignment. */
      memberMetadata: bytes(),
      memberAssignment: bytes(),
    }),
    authorizedOperations: int32({ since: 3, default: -2_147_483_648 }),
  }),
})
export type DescribeGroupsResponse = Message<typeof DescribeGroupsResponse>
export type DescribeGroupsResponseInput = MessageInput<typeof DescribeGroupsResponse>

export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexibleSince: 5,
  request: DescribeGroupsRequest,
  response: DescribeGroupsResponse,
})
