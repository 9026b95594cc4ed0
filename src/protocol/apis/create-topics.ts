import { api } from '../api.ts'
import { array, bool, int8, int16, int32, type Message, message, string, uuid } from '../schema.ts'

/**
 * CreateTopics Request (Version: 2-7, flexible from 5) => [topics] timeout_ms validate_only
 *   topics => name num_partitions replication_factor [assignments] [configs]
 *     name => STRING
 *     num_partitions => INT32
 *     replication_factor => INT16
 *     assignments => partition_index [broker_ids]
 *       partition_index => INT32
 *       broker_ids => ARRAY(INT32)
 *     configs => name value
 *       name => STRING
 *       value => NULLABLE_STRING
 *   timeout_ms => INT32
 *   validate_only => BOOLEAN
 */
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

/**
 * CreateTopics Response (Version: 2-7, flexible from 5) => throttle_time_ms [topics]
 *   throttle_time_ms => INT32
 *   topics => name topic_id error_code error_message topic_config_error_code num_partitions replication_factor
 *       [configs]
 *     name => STRING
 *     topic_id (7+) => UUID
 *     error_code => INT16
 *     error_message => NULLABLE_STRING
 *     topic_config_error_code (tag 0, 5+) => INT16
 *     num_partitions (5+) => INT32
 *     replication_factor (5+) => INT16
 *     configs (5+) (nullable) => name value read_only config_source is_sensitive
 *       name => STRING
 *       value => NULLABLE_STRING
 *       read_only => BOOLEAN
 *       config_source => INT8
 *       is_sensitive => BOOLEAN
 */
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
