import { api } from '../api.ts'
import { array, bool, int16, int32, type Message, message, string } from '../schema.ts'

/**
 * AlterPartitionReassignments Request (Version: 0-1, flexible from 0) => timeout_ms
 *     allow_replication_factor_change [topics]
 *   timeout_ms => INT32
 *   allow_replication_factor_change (1+) => BOOLEAN
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index [replicas]
 *       partition_index => INT32
 *       replicas => NULLABLE_ARRAY(INT32)
 */
export const AlterPartitionReassignmentsRequest = message({
  timeoutMs: int32({ default: 60_000 }),
  /** KIP-860. */
  allowReplicationFactorChange: bool({ since: 1, default: true }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      /** Null: gives up the reassignment that is under way. */
      replicas: array(int32(), { nullable: true, default: null }),
    }),
  }),
})
export type AlterPartitionReassignmentsRequest = Message<typeof AlterPartitionReassignmentsRequest>

/**
 * AlterPartitionReassignments Response (Version: 0-1, flexible from 0) => throttle_time_ms
 *     allow_replication_factor_change error_code error_message [responses]
 *   throttle_time_ms => INT32
 *   allow_replication_factor_change (1+) => BOOLEAN
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 *   responses => name [partitions]
 *     name => STRING
 *     partitions => partition_index error_code error_message
 *       partition_index => INT32
 *       error_code => INT16
 *       error_message => NULLABLE_STRING
 */
export const AlterPartitionReassignmentsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  allowReplicationFactorChange: bool({ since: 1, default: true, ignorable: true }),
  errorCode: int16({ default: 0 }),
  errorMessage: string({ nullable: true, default: null }),
  responses: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16({ default: 0 }),
      errorMessage: string({ nullable: true, default: null }),
    }),
  }),
})
export type AlterPartitionReassignmentsResponse = Message<typeof AlterPartitionReassignmentsResponse>

/** Gives partitions other replicas (KIP-455). */
export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexibleSince: 0,
  request: AlterPartitionReassignmentsRequest,
  response: AlterPartitionReassignmentsResponse,
})
