import { api } from '../api.ts'
import { array, int8, int16, int32, type Message, message, string } from '../schema.ts'

/** Values of `electionType` (KIP-460). */
export const ElectionType = { PREFERRED: 0, UNCLEAN: 1 } as const

/**
 * ElectLeaders Request (Version: 0-2, flexible from 2) => election_type [topic_partitions] timeout_ms
 *   election_type (1+) => INT8
 *   topic_partitions (nullable) => topic [partitions]
 *     topic => STRING
 *     partitions => ARRAY(INT32)
 *   timeout_ms => INT32
 */
export const ElectLeadersRequest = message({
  electionType: int8({ since: 1 }),
  /** Null: all partitions that have not the wanted leader. */
  topicPartitions: array({ topic: string(), partitions: array(int32()) }, { nullable: true }),
  timeoutMs: int32({ default: 60_000 }),
})
export type ElectLeadersRequest = Message<typeof ElectLeadersRequest>

/**
 * ElectLeaders Response (Version: 0-2, flexible from 2) => throttle_time_ms error_code [replica_election_results]
 *   throttle_time_ms => INT32
 *   error_code (1+) => INT16
 *   replica_election_results => topic [partition_result]
 *     topic => STRING
 *     partition_result => partition_id error_code error_message
 *       partition_id => INT32
 *       error_code => INT16
 *       error_message => NULLABLE_STRING
 */
export const ElectLeadersResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ since: 1 }),
  replicaElectionResults: array({
    topic: string(),
    partitionResult: array({
      partitionId: int32(),
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null }),
    }),
  }),
})
export type ElectLeadersResponse = Message<typeof ElectLeadersResponse>

/** Asks for preferred or unclean elections (KIP-183, KIP-460). */
export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexibleSince: 2,
  request: ElectLeadersRequest,
  response: ElectLeadersResponse,
})
