import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, string } from '../schema.ts'

/**
 * OffsetForLeaderEpoch Request (Version: 2-4, flexible from 4) => replica_id [topics]
 *   replica_id (3+) => INT32
 *   topics => topic [partitions]
 *     topic => STRING
 *     partitions => partition current_leader_epoch leader_epoch
 *       partition => INT32
 *       current_leader_epoch => INT32
 *       leader_epoch => INT32
 */
export const OffsetForLeaderEpochRequest = message({
  /** −1 from a consumer, −2 when not told. */
  replicaId: int32({ since: 3, default: -2, ignorable: true }),
  topics: array({
    topic: string(),
    partitions: array({
      partition: int32(),
      currentLeaderEpoch: int32({ default: -1 }),
      leaderEpoch: int32(),
    }),
  }),
})
export type OffsetForLeaderEpochRequest = Message<typeof OffsetForLeaderEpochRequest>

/**
 * OffsetForLeaderEpoch Response (Version: 2-4, flexible from 4) => throttle_time_ms [topics]
 *   throttle_time_ms => INT32
 *   topics => topic [partitions]
 *     topic => STRING
 *     partitions => error_code partition leader_epoch end_offset
 *       error_code => INT16
 *       partition => INT32
 *       leader_epoch => INT32
 *       end_offset => INT64
 */
export const OffsetForLeaderEpochResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  topics: array({
    topic: string(),
    partitions: array({
      errorCode: int16(),
      partition: int32(),
      leaderEpoch: int32({ default: -1 }),
      endOffset: int64({ default: -1 }),
    }),
  }),
})
export type OffsetForLeaderEpochResponse = Message<typeof OffsetForLeaderEpochResponse>

export const OffsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: [2, 4],
  flexibleSince: 4,
  request: OffsetForLeaderEpochRequest,
  response: OffsetForLeaderEpochResponse,
})
