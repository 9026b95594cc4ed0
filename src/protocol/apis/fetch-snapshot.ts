import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, records, string, struct, uint16, uuid } from '../schema.ts'

/**
 * FetchSnapshot Request (Version: 0-1, flexible from 0) => cluster_id replica_id max_bytes [topics]
 *   cluster_id (tag 0) => NULLABLE_STRING
 *   replica_id => INT32
 *   max_bytes => INT32
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => partition current_leader_epoch snapshot_id position replica_directory_id
 *       partition => INT32
 *       current_leader_epoch => INT32
 *       snapshot_id => end_offset epoch
 *         end_offset => INT64
 *         epoch => INT32
 *       position => INT64
 *       replica_directory_id (tag 0, 1+) => UUID
 */
export const FetchSnapshotRequest = message({
  clusterId: string({ tag: 0, nullable: true, default: null }),
  replicaId: int32({ default: -1 }),
  maxBytes: int32({ default: 0x7fff_ffff }),
  topics: array({
    name: string(),
    partitions: array({
      partition: int32(),
      currentLeaderEpoch: int32(),
      snapshotId: struct({ endOffset: int64(), epoch: int32() }),
      position: int64(),
      replicaDirectoryId: uuid({ since: 1, tag: 0, ignorable: true }),
    }),
  }),
})
export type FetchSnapshotRequest = Message<typeof FetchSnapshotRequest>

/**
 * FetchSnapshot Response (Version: 0-1, flexible from 0) => throttle_time_ms error_code [topics] [node_endpoints]
 *   throttle_time_ms => INT32
 *   error_code => INT16
 *   topics => name [partitions]
 *     name => STRING
 *     partitions => index error_code snapshot_id current_leader size position unaligned_records
 *       index => INT32
 *       error_code => INT16
 *       snapshot_id => end_offset epoch
 *         end_offset => INT64
 *         epoch => INT32
 *       current_leader (tag 0) => leader_id leader_epoch
 *         leader_id => INT32
 *         leader_epoch => INT32
 *       size => INT64
 *       position => INT64
 *       unaligned_records => RECORDS
 *   node_endpoints (tag 0, 1+) => node_id host port
 *     node_id => INT32
 *     host => STRING
 *     port => UINT16
 */
export const FetchSnapshotResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16(),
  topics: array({
    name: string(),
    partitions: array({
      index: int32(),
      errorCode: int16(),
      snapshotId: struct({ endOffset: int64(), epoch: int32() }),
      currentLeader: struct({ leaderId: int32(), leaderEpoch: int32() }, { tag: 0 }),
      /** Bytes of the whole snapshot. */
      size: int64(),
      position: int64(),
      /** A piece of the file: it begins and ends anywhere. */
      unalignedRecords: records(),
    }),
  }),
  nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: true }),
})
export type FetchSnapshotResponse = Message<typeof FetchSnapshotResponse>

/** A replica of the metadata log that is behind the leader's log start takes a snapshot, piece by piece (KIP-630). */
export const FetchSnapshot = api({
  key: 59,
  name: 'FetchSnapshot',
  versions: [0, 1],
  flexibleSince: 0,
  request: FetchSnapshotRequest,
  response: FetchSnapshotResponse,
})
