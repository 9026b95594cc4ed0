import { api } from '../api.ts'
import { array, bool, int16, int32, type Message, message, string } from '../schema.ts'

/**
 * CreatePartitions Request (Version: 0-3, flexible from 2) => [topics] timeout_ms validate_only
 *   topics => name count [assignments]
 *     name => STRING
 *     count => INT32
 *     assignments (nullable) => [broker_ids]
 *       broker_ids => ARRAY(INT32)
 *   timeout_ms => INT32
 *   validate_only => BOOLEAN
 */
export const CreatePartitionsRequest = message({
  topics: array({
    name: string(),
    /** How many partitions the topic shall have in all. */
    count: int32(),
    /** The replicas of each new partition; null: the controller chooses. */
    assignments: array({ brokerIds: array(int32()) }, { nullable: true }),
  }),
  timeoutMs: int32(),
  validateOnly: bool(),
})
export type CreatePartitionsRequest = Message<typeof CreatePartitionsRequest>

/**
 * CreatePartitions Response (Version: 0-3, flexible from 2) => throttle_time_ms [results]
 *   throttle_time_ms => INT32
 *   results => name error_code error_message
 *     name => STRING
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 */
export const CreatePartitionsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  results: array({
    name: string(),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
  }),
})
export type CreatePartitionsResponse = Message<typeof CreatePartitionsResponse>

export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleSince: 2,
  request: CreatePartitionsRequest,
  response: CreatePartitionsResponse,
})
