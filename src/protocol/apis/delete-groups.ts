import { api } from '../api.ts'
import { array, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * DeleteGroups Request (Version: 0-2, flexible from 2) => [groups_names]
 *   groups_names => ARRAY(STRING)
 */
export const DeleteGroupsRequest = message({
  groupsNames: array(string()),
})
export type DeleteGroupsRequest = Message<typeof DeleteGroupsRequest>

/**
 * DeleteGroups Response (Version: 0-2, flexible from 2) => throttle_time_ms [results]
 *   throttle_time_ms => INT32
 *   results => group_id error_code
 *     group_id => STRING
 *     error_code => INT16
 */
export const DeleteGroupsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  results: array({ groupId: string(), errorCode: int16() }),
})
export type DeleteGroupsResponse = Message<typeof DeleteGroupsResponse>
export type DeleteGroupsResponseInput = MessageInput<typeof DeleteGroupsResponse>

export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexibleSince: 2,
  request: DeleteGroupsRequest,
  response: DeleteGroupsResponse,
})
