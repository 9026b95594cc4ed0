import { api } from '../api.ts'
import { array, int16, int32, type Message, type MessageInput, message, string } from '../schema.ts'

/**
 * OffsetDelete Request (Version: 0-0) => group_id [topics]
 *   group_id => STRING
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index
 *       partition_index => INT32
 */
export const OffsetDeleteRequest = message({
  groupId: string(),
  topics: array({ name: string(), partitions: array({ partitionIndex: int32() }) }),
})
export type OffsetDeleteRequest = Message<typeof OffsetDeleteRequest>

/**
 * OffsetDelete Response (Version: 0-0) => error_code throttle_time_ms [topics]
 *   error_code => INT16
 *   throttle_time_ms => INT32
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index error_code
 *       partition_index => INT32
 *       error_code => INT16
 */
export const OffsetDeleteResponse = message({
  errorCode: int16(),
  throttleTimeMs: int32({ default: 0 }),
  topics: array({ name: string(), partitions: array({ partitionIndex: int32(), errorCode: int16() }) }),
})
export type OffsetDeleteResponse = Message<typeof OffsetDeleteResponse>
export type OffsetDeleteResponseInput = MessageInput<typeof OffsetDeleteResponse>

export const OffsetDelete = api({
  key: 47,
  name: 'OffsetDelete',
  versions: [0, 0],
  flexibleSince: null,
  request: OffsetDeleteRequest,
  response: OffsetDeleteResponse,
})
