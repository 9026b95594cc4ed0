import { api } from '../api.ts'
import { array, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * ListGroups Request (Version: 0-5, flexible from 3) => [states_filter] [types_filter]
 *   states_filter (4+) => ARRAY(STRING)
 *   types_filter (5+) => ARRAY(STRING)
 */
export const ListGroupsRequest = message({
  /** Names of the states wanted; empty: all (KIP-518). */
  statesFilter: array(string(), { since: 4 }),
  /** Names of the types wanted; empty: all (KIP-848). */
  typesFilter: array(string(), { since: 5 }),
})
export type ListGroupsRequest = Message<typeof ListGroupsRequest>

/**
 * ListGroups Response (Version: 0-5, flexible from 3) => throttle_time_ms error_code [groups]
 *   throttle_time_ms (1+) => INT32
 *   error_code => INT16
 *   groups => group_id protocol_type group_state group_type
 *     group_id => STRING
 *     protocol_type => STRING
 *     group_state (4+) => STRING
 *     group_type (5+) => STRING
 */
export const ListGroupsResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  errorCode: int16(),
  groups: array({
    groupId: string(),
    protocolType: string(),
    groupState: string({ since: 4, ignorable: true }),
    groupType: string({ since: 5, ignorable: true }),
  }),
})
export type ListGroupsResponse = Message<typeof ListGroupsResponse>
export type ListGroupsResponseInput = MessageInput<typeof ListGroupsResponse>

export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleSince: 3,
  request: ListGroupsRequest,
  response: ListGroupsResponse,
})
