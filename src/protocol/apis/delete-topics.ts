import { api } from '../api.ts'
import { array, int16, int32, type Message, message, string, uuid } from '../schema.ts'
import { ZERO_UUID } from '../uuid.ts'

/**
 * DeleteTopics Request (Version: 1-6, flexible from 4) => [topics] [topic_names] timeout_ms
 *   topics (6+) => name topic_id
 *     name => NULLABLE_STRING
 *     topic_id => UUID
 *   topic_names (1-5) => ARRAY(STRING)
 *   timeout_ms => INT32
 */
export const DeleteTopicsRequest = message({
  topics: array(
    {
      name: string({ nullable: true, default: null }),
      topicId: uuid({ default: ZERO_UUID }),
    },
    { since: 6 },
  ),
  topicNames: array(string(), { until: 5, ignorable: true }),
  timeoutMs: int32(),
})
export type DeleteTopicsRequest = Message<typeof DeleteTopicsRequest>

/**
 * DeleteTopics Response (Version: 1-6, flexible from 4) => throttle_time_ms [responses]
 *   throttle_time_ms => INT32
 *   responses => name topic_id error_code error_message
 *     name => STRING | NULLABLE_STRING (6+)
 *     topic_id (6+) => UUID
 *     error_code => INT16
 *     error_message (5+) => NULLABLE_STRING
 */
export const DeleteTopicsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  responses: array({
    name: string({ nullableSince: 6 }),
    topicId: uuid({ since: 6, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ since: 5, nullable: true, default: null, ignorable: true }),
  }),
})
export type DeleteTopicsResponse = Message<typeof DeleteTopicsResponse>

export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [1, 6],
  flexibleSince: 4,
  request: DeleteTopicsRequest,
  response: DeleteTopicsResponse,
})
