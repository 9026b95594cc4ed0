import { api } from '../api.ts'
import {
  array,
  int8,
  int16,
  int32,
  int64,
  int64Saturated,
  type Message,
  message,
  records,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Fetch Request (Version: 4-18, flexible from 12) => cluster_id replica_id replica_state max_wait_ms min_bytes
 *     max_bytes isolation_level session_id session_epoch [topics] [forgotten_topics_data] rack_id
 *   cluster_id (tag 0, 12+) => NULLABLE_STRING
 *   replica_id (4-14) => INT32
 *   replica_state (tag 1, 15+) => replica_id replica_epoch
 *     replica_id => INT32
 *     replica_epoch => INT64
 *   max_wait_ms => INT32
 *   min_bytes => INT32
 *   max_bytes => INT32
 *   isolation_level => INT8
 *   session_id (7+) => INT32
 *   session_epoch (7+) => INT32
 *   topics => topic topic_id [partitions]
 *     topic (4-12) => STRING
 *     topic_id (13+) => UUID
 *     partitions => partition current_leader_epoch fetch_offset last_fetched_epoch log_start_offset
 *         partition_max_bytes replica_directory_id high_watermark
 *       partition => INT32
 *       current_leader_epoch (9+) => INT32
 *       fetch_offset => INT64
 *       last_fetched_epoch (12+) => INT32
 *       log_start_offset (5+) => INT64
 *       partition_max_bytes => INT32
 *       replica_directory_id (tag 0, 17+) => UUID
 *       high_watermark (tag 1, 18+) => INT64
 *   forgotten_topics_data (7+) => topic topic_id [partitions]
 *     topic (4-12) => STRING
 *     topic_id (13+) => UUID
 *     partitions => ARRAY(INT32)
 *   rack_id (11+) => STRING
 */
export const FetchRequest = message({
  clusterId: string({ since: 12, tag: 0, nullable: true, default: null, ignorable: true }),
  /** −1 from a consumer; from version 15 on it is in `replicaState`. */
  replicaId: int32({ until: 14, default: -1 }),
  replicaState: struct(
    {
      replicaId: int32({ default: -1 }),
      replicaEpoch: int64({ default: -1 }),
    },
    { since: 15, tag: 1 },
  ),
  maxWaitMs: int32(),
  minBytes: int32(),
  maxBytes: int32({ default: 0x7fff_ffff }),
  /** 0: read uncommitted; 1: read committed. */
  isolationLevel: int8({ default: 0 }),
  sessionId: int32({ since: 7, default: 0, ignorable: true }),
  /** −1: no session; 0: a new one; else the number of this request in it (KIP-227). */
  sessionEpoch: int32({ since: 7, default: -1, ignorable: true }),
  topics: array({
    topic: string({ until: 12, ignorable: true }),
    topicId: uuid({ since: 13, ignorable: true }),
    partitions: array({
      partition: int32(),
      currentLeaderEpoch: int32({ since: 9, default: -1, ignorable: true }),
      fetchOffset: int64(),
      lastFetchedEpoch: int32({ since: 12, default: -1 }),
      /** Of a follower; −1 from a consumer. */
      logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
      partitionMaxBytes: int32(),
      replicaDirectoryId: uuid({ since: 17, tag: 0, ignorable: true }),
      /** That the follower knows; −1: none yet; `Number.MAX_SAFE_INTEGER`: not told (KIP-1166). */
      highWatermark: int64Saturated({ since: 18, tag: 1, default: Number.MAX_SAFE_INTEGER, ignorable: true }),
    }),
  }),
  forgottenTopicsData: array(
    {
      topic: string({ until: 12, ignorable: true }),
      topicId: uuid({ since: 13, ignorable: true }),
      partitions: array(int32()),
    },
    { since: 7 },
  ),
  rackId: string({ since: 11, default: '', ignorable: true }),
})
export type FetchRequest = Message<typeof FetchRequest>

/**
 * Fetch Response (Version: 4-18, flexible from 12) => throttle_time_ms error_code session_id [responses]
 *     [node_endpoints]
 *   throttle_time_ms => INT32
 *   error_code (7+) => INT16
 *   session_id (7+) => INT32
 *   responses => topic topic_id [partitions]
 *     topic (4-12) => STRING
 *     topic_id (13+) => UUID
 *     partitions => partition_index error_code high_watermark last_stable_offset log_start_offset diverging_epoch
 *         current_leader snapshot_id [aborted_transactions] preferred_read_replica records
 *       partition_index => INT32
 *       error_code => INT16
 *       high_watermark => INT64
 *       last_stable_offset => INT64
 *       log_start_offset (5+) => INT64
 *       diverging_epoch (tag 0, 12+) => epoch end_offset
 *         epoch => INT32
 *         end_offset => INT64
 *       current_leader (tag 1, 12+) => leader_id leader_epoch
 *         leader_id => INT32
 *         leader_epoch => INT32
 *       snapshot_id (tag 2, 12+) => end_offset epoch
 *         end_offset => INT64
 *         epoch => INT32
 *       aborted_transactions (nullable) => producer_id first_offset
 *         producer_id => INT64
 *         first_offset => INT64
 *       preferred_read_replica (11+) => INT32
 *       records => NULLABLE_RECORDS
 *   node_endpoints (tag 0, 16+) => node_id host port rack
 *     node_id => INT32
 *     host => STRING
 *     port => INT32
 *     rack => NULLABLE_STRING
 */
export const FetchResponse = message({
  throttleTimeMs: int32({ default: 0 }),
  errorCode: int16({ since: 7, ignorable: true }),
  /** 0 when there is no session. */
  sessionId: int32({ since: 7, default: 0 }),
  responses: array({
    topic: string({ until: 12, ignorable: true }),
    topicId: uuid({ since: 13, ignorable: true }),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      highWatermark: int64(),
      lastStableOffset: int64({ default: -1 }),
      logStartOffset: int64({ since: 5, default: -1, ignorable: true }),
      divergingEpoch: struct(
        {
          epoch: int32({ default: -1 }),
          endOffset: int64({ default: -1 }),
        },
        { since: 12, tag: 0 },
      ),
      currentLeader: struct(
        {
          leaderId: int32({ default: -1 }),
          leaderEpoch: int32({ default: -1 }),
        },
        { since: 12, tag: 1 },
      ),
      snapshotId: struct(
        {
          endOffset: int64({ default: -1 }),
          epoch: int32({ default: -1 }),
        },
        { since: 12, tag: 2 },
      ),
      /** Null under read uncommitted. */
      abortedTransactions: array(
        {
          producerId: int64(),
          firstOffset: int64(),
        },
        { nullable: true, default: null },
      ),
      preferredReadReplica: int32({ since: 11, default: -1 }),
      /** Ends, at the limit of bytes, in the middle of a batch. */
      records: records({ nullable: true }),
    }),
  }),
  nodeEndpoints: array(
    {
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: true, default: null }),
    },
    { since: 16, tag: 0 },
  ),
})
export type FetchResponse = Message<typeof FetchResponse>

export const Fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [4, 18],
  flexibleSince: 12,
  request: FetchRequest,
  response: FetchResponse,
})
