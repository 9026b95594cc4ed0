import { api } from '../api.ts'
import { array, int16, int32, type Message, message, string, uuid } from '../schema.ts'
import { ZERO_UUID } from '../uuid.ts'

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
