import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, records, string, struct, uuid } from '../schema.ts'

/**
 * Produce Request (Version: 3-13, flexible from 9) => transactional_id acks timeout_ms [topic_data]
 *   transactional_id => NULLABLE_STRING
 *   acks => INT16
 *   timeout_ms => INT32
 *   topic_data => name topic_id [partition_data]
 *     name (3-12) => STRING
 *     topic_id (13+) => UUID
 *     partition_data => index records
 *       index => INT32
 *       records => NULLABLE_RECORDS
 */
export const ProduceRequest = message({
  transactionalId: string({ nullable: true, default: null }),
  /** 0: no response at all; 1: the leader has it; −1: all in-sync replicas have it. */
  acks: int16(),
  /** Milliseconds that the broker may wait for the replicas. */
  timeoutMs: int32(),
  topicData: array({
    name: string({ until: 12, ignorable: true }),
    topicId: uuid({ since: 13, ignorable: true }),
    partitionData: array({
      index: int32(),
      records: records({ nullable: true }),
    }),
  }),
})
export type ProduceRequest = Message<typeof ProduceRequest>

/**
 * Produce Response (Version: 3-13, flexible from 9) => [responses] throttle_time_ms [node_endpoints]
 *   responses => name topic_id [partition_responses]
 *     name (3-12) => STRING
 *     topic_id (13+) => UUID
 *     partition_responses => index error_code base_offset log_append_time_ms log_start_offset [record_errors]
 *         error_message current_leader
 *       index => INT32
 *       error_code => INT16
 *       base_offset => INT64
 *       log_append_time_ms => INT64
 *       log_start_offset (5+) => INT64
 *       record_errors (8+) => batch_index batch_index_error_message
 *         batch_index => INT32
 *         batch_index_error_message => NULLABLE_STRING
 *       error_message (8+) => NULLABLE_STRING
 *       current_leader (tag 0, 10+) => leader_id leader_epoch
 *         leader_id => INT32
 *         leader_epoch => INT32
 *   throttle_time_ms => INT32
 *   node_endpoints (tag 0, 10+) => node_id host port rack
 *     node_id => INT32
 *     host => STRING
 *     port => INT32
 *     rack => NULLABLE_STRING
 */
export const ProduceResponse = message({
  responses: array({
    name: string({ until: 12, ignorable: true }),
    topicId: uuid({ since: 13, ignorable: true }),
    partitionResponses: array({
      index: int32(),
      errorCode: int16(),
      baseOffset: int64(),
      /** Milliseconds since 1970, −1 when the topic keeps the producer's timestamps. */
      logAppendTimeMs: int64({ default: -1 }),
      logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
      recordErrors: array(
        {
          batchIndex: int32(),
          batchIndexErrorMessage: string({ nullable: true, default: null }),
        },
        { since: 8, ignorable: true },
      ),
      errorMessage: string({ since: 8, nullable: true, default: null, ignorable: true }),
      currentLeader: struct(
        {
          leaderId: int32({ default: -1 }),
          leaderEpoch: int32({ default: -1 }),
        },
        { since: 10, tag: 0 },
      ),
    }),
  }),
  throttleTimeMs: int32({ default: 0 }),
  nodeEndpoints: array(
    {
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
    },
    { since: 10, tag: 0 },
  ),
})
export type ProduceResponse = Message<typeof ProduceResponse>

/** Versions 0 to 2 are advertised though they are refused, because old clients ask for them by number (KAFKA-18659). */
export const Produce = api({
  key: 0,
  name: 'Produce',
  versions: [3, 13],
  advertise: [0, 13],
  flexibleSince: 9,
  request: ProduceRequest,
  response: ProduceResponse,
})
