import { api } from '../api.ts'
import { array, int8, int16, int32, int64, type Message, message, string } from '../schema.ts'

/** Values of a ListOffsets request's `timestamp` that ask for a place instead of a time. */
export const ListOffsetsTimestamp = {
  /** The end: the high watermark, under read committed the last stable offset. */
  LATEST: -1,
  /** The log's start. */
  EARLIEST: -2,
  /** The record with the greatest timestamp (version 7). */
  MAX_TIMESTAMP: -3,
  /** The first offset on the broker's own disk (version 8). */
  EARLIEST_LOCAL: -4,
  /** The last offset in tiered storage (version 9). */
  LATEST_TIERED: -5,
  /** The first offset not yet in tiered storage (version 11). */
  EARLIEST_PENDING_UPLOAD: -6,
} as const

/**
 * ListOffsets Request (Version: 1-11, flexible from 6) => replica_id isolation_level [topics] timeout_ms
 *   replica_id => INT32
 *   isolation_level (2+) => INT8
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index current_leader_epoch timestamp
 *       partition_index => INT32
 *       current_leader_epoch (4+) => INT32
 *       timestamp => INT64
 *   timeout_ms (10+) => INT32
 */
export const ListOffsetsRequest = message({
  /** −1 from a client. */
  replicaId: int32({ default: -1 }),
  /** 0: read uncommitted; 1: read committed. */
  isolationLevel: int8({ since: 2 }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      currentLeaderEpoch: int32({ since: 4, default: -1, ignorable: true }),
      /** Milliseconds since 1970, or one of `ListOffsetsTimestamp`. */
      timestamp: int64(),
    }),
  }),
  /** Milliseconds that the broker may wait for tiered storage. */
  timeoutMs: int32({ since: 10, ignorable: true }),
})
export type ListOffsetsRequest = Message<typeof ListOffsetsRequest>

/**
 * ListOffsets Response (Version: 1-11, flexible from 6) => throttle_time_ms [topics]
 *   throttle_time_ms (2+) => INT32
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition_index error_code timestamp offset leader_epoch
 *       partition_index => INT32
 *       error_code => INT16
 *       timestamp => INT64
 *       offset => INT64
 *       leader_epoch (4+) => INT32
 */
export const ListOffsetsResponse = message({
  throttleTimeMs: int32({ since: 2, ignorable: true }),
  topics: array({
    name: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      timestamp: int64({ default: -1 }),
      offset: int64({ default: -1 }),
      leaderEpoch: int32({ since: 4, default: -1 }),
    }),
  }),
})
export type ListOffsetsResponse = Message<typeof ListOffsetsResponse>

export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [1, 11],
  flexibleSince: 6,
  request: ListOffsetsRequest,
  response: ListOffsetsResponse,
})
