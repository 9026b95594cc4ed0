import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, uuid } from '../schema.ts'

/**
 * AssignReplicasToDirs Request (Version: 0-0, flexible from 0) => broker_id broker_epoch [directories]
 *   broker_id => INT32
 *   broker_epoch => INT64
 *   directories => id [topics]
 *     id => UUID
 *     topics => topic_id [partitions]
 *       topic_id => UUID
 *       partitions => partition_index
 *         partition_index => INT32
 */
export const AssignReplicasToDirsRequest = message({
  brokerId: int32(),
  brokerEpoch: int64({ default: -1 }),
  directories: array({
    id: uuid(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partitionIndex: int32() }),
    }),
  }),
})
export type AssignReplicasToDirsRequest = Message<typeof AssignReplicasToDirsRequest>

/**
 * AssignReplicasToDirs Response (Version: 0-0, flexible from 0) => throttle_time_ms error_code [directories]
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   directories => id [topics]
 *     id => UUID
 *     topics => topic_id [partitions]
 *       topic_id => UUID
 *       partitions => partition_index error_code
 *         partition_index => INT32
 *         error_code => INT16
 */
export const AssignReplicasToDirsResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ default: 0 }),
  directories: array({
    id: uuid(),
    topics: array({
      topicId: uuid(),
      partitions: array({ partitionIndex: int32(), errorCode: int16({ default: 0 }) }),
    }),
  }),
})
export type AssignReplicasToDirsResponse = Message<typeof AssignReplicasToDirsResponse>

/** A broker tells in which of its log directories its replicas are (KIP-858). */
export const AssignReplicasToDirs = api({
  key: 73,
  name: 'AssignReplicasToDirs',
  versions: [0, 0],
  flexibleSince: 0,
  request: AssignReplicasToDirsRequest,
  response: AssignReplicasToDirsResponse,
})
