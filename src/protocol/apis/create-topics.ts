import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string, uuid } from '../schema.ts'

export const CreateTopicsRequest = message({
  topics: array({
    name: string(),
    /** −1: the broker's default, or as many as there are assignments. */
    numPartitions: int32(),
    /** −1: the broker's default, or what the assignments say. */
    replicationFactor: int16(),
    assignments: array(
      {
        partitionIndex: int32(),
        brokerIds: array(int32()),
      },
      { default: [] },
    ),
    configs: array(
      {
        name: string(),
        value: string({ nullable: true }),
      },
      { default: [] },
    ),
  }),
  timeoutMs: int32({ default: 60_000 }),
  validateOnly: bool({ default: false }),
})
export type CreateTopicsRequest = Message<typeof CreateTopicsRequest>

export const CreateTopicsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  topics: array({
    name: string(),
    topicId: uuid({ since: 7, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: true, default: null }),
    /** Why `configs` is null. */
    topicConfigErrorCode: int16({ since: 5, tag: 0, ignorable: true }),
    numPartitions: int32({ since: 5, default: -1, ignorable: true }),
    replicationFactor: int16({ since: 5, default: -1, ignorable: true }),
    configs: array(
      {
        name: string(),
        value: string({ nullable: true }),
        readOnly: bool(),
        configSource: int8({ default: -1 }),
        isSensitive: bool(),
      },
      { since: 5, nullable: true, ignorable: true },
    ),
  }),
})
export type CreateTopicsResponse = Message<typeof CreateTopicsResponse>

export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [2, 7],
  flexibleSince: 5,
  request: CreateTopicsRequest,
  response: CreateTopicsResponse,
})
