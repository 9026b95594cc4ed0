import { api } from '../api.ts'
import { int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * Heartbeat Request (Version: 0-4, flexible from 4) => group_id generation_id member_id group_instance_id
 *   group_id => STRING
 *   generation_id => INT32
 *   member_id => STRING
 *   group_instance_id (3+) => NULLABLE_STRING
 */
export const HeartbeatRequest = message({
  groupId: string(),
  generationId: int32(),
  memberId: string(),
  groupInstanceId: string({ since: 3, nullable: true, default: null }),
})
export type HeartbeatRequest = Message<typeof HeartbeatRequest>

/**
 * Heartbeat Response (Version: 0-4, flexible from 4) => throttle_time_ms error_code
 *   throttle_time_ms (1+) => INT32
 *   error_code => INT16
 */
export const HeartbeatResponse = message({
  throttleTimeMs: int32({ since: 1, ignorable: true }),
  errorCode: int16(),
})
export type HeartbeatResponse = Message<typeof HeartbeatResponse>
export type HeartbeatResponseInput = MessageInput<typeof HeartbeatResponse>

export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleSince: 4,
  request: HeartbeatRequest,
  response: HeartbeatResponse,
})
