import { api } from '../api.ts'
import { array, int16, int32, type Message, message, string } from '../schema.ts'

/**
 * ListPartitionReassignments Request (Version: 0-0, flexible from 0) => timeout_ms [topics]
 *   timeout_ms => INT32
 *   topics (nullable) => name [partition_indexes]
 *     name => STRING
 *     partition_indexes => ARRAY(INT32)
 */
export const ListPartitionReassignmentsRequest = message({
  timeoutMs: int32({ default: 60_000 }),
  /** Null: all topics. */
  topics: array({ name: string(), partitionIndexes: array(int32()) }, { nullable: true, default: null }),
})
export type ListPartitionReassignmentsRequest = Message<typeof ListPartitionReassignmentsRequest>

/**
 * ListPartitionReassignments Response (Version: 0-0, flexible from 0) => throttle_time_ms error_code error_message
 *     [topics]
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   error_message => NULLABLE_STRING
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index [replicas] [adding_replicas] [removing_replicas]
 *       partition_index => INT32
 *       replicas => ARRAY(INT32)
 *       adding_replicas => ARRAY(INT32)
 *       removing_replicas => ARRAY(INT32)
 */
export const ListPartitionReassignmentsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  errorMessage: string({ nullable: true, default: null }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      replicas: array(int32()),
      addingReplicas: array(int32()),
      removingReplicas: array(int32()),
    }),
  }),
})
export type ListPartitionReassignmentsResponse = Message<typeof ListPartitionReassignmentsResponse>

/** Tells which partitions are being given other replicas (KIP-455). */
export const ListPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexibleSince: 0,
  request: ListPartitionReassignmentsRequest,
  response: ListPartitionReassignmentsResponse,
})
