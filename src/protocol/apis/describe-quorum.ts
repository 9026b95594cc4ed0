import { api } from '../api.ts'
import { array, int16, int32, int64, type Message, message, string, uint16, uuid } from '../schema.ts'

/**
 * DescribeQuorum Request (Version: 0-2, flexible from 0) => [topics]
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index
 *       partition_index => INT32
 */
export const DescribeQuorumRequest = message({
  topics: array({
    topicName: string(),
    partitions: array({ partitionIndex: int32() }),
  }),
})
export type DescribeQuorumRequest = Message<typeof DescribeQuorumRequest>

const REPLICA_STATE = message({
  replicaId: int32(),
  replicaDirectoryId: uuid({ since: 2, ignorable: true }),
  /** −1: not known. */
  logEndOffset: int64(),
  /** Milliseconds since 1970 on the leader's clock; −1: never, or the leader itself. */
  lastFetchTimestamp: int64({ since: 1, default: -1, ignorable: true }),
  lastCaughtUpTimestamp: int64({ since: 1, default: -1, ignorable: true }),
})

/**
 * DescribeQuorum Response (Version: 0-2, flexible from 0) => error_code error_message [topics] [nodes]
 *   error_code => INT16
 *   error_message (2+) => NULLABLE_STRING
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index error_code error_message leader_id leader_epoch high_watermark
 *         [current_voters] [observers]
 *       partition_index => INT32
 *       error_code => INT16
 *       error_message (2+) => NULLABLE_STRING
 *       leader_id => INT32
 *       leader_epoch => INT32
 *       high_watermark => INT64
 *       current_voters => replica_id replica_directory_id log_end_offset last_fetch_timestamp
 *           last_caught_up_timestamp
 *         replica_id => INT32
 *         replica_directory_id (2+) => UUID
 *         log_end_offset => INT64
 *         last_fetch_timestamp (1+) => INT64
 *         last_caught_up_timestamp (1+) => INT64
 *       observers => replica_id replica_directory_id log_end_offset last_fetch_timestamp last_caught_up_timestamp
 *         replica_id => INT32
 *         replica_directory_id (2+) => UUID
 *         log_end_offset => INT64
 *         last_fetch_timestamp (1+) => INT64
 *         last_caught_up_timestamp (1+) => INT64
 *   nodes (2+) => node_id [listeners]
 *     node_id => INT32
 *     listeners => name host port
 *       name => STRING
 *       host => STRING
 *       port => UINT16
 */
export const DescribeQuorumResponse = message({
  errorCode: int16(),
  errorMessage: string({ since: 2, nullable: true, ignorable: true }),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      errorMessage: string({ since: 2, nullable: true, ignorable: true }),
      /** −1: not known. */
      leaderId: int32(),
      leaderEpoch: int32(),
      /** −1: not known. */
      highWatermark: int64(),
      currentVoters: array(REPLICA_STATE),
      observers: array(REPLICA_STATE),
    }),
  }),
  nodes: array(
    { nodeId: int32(), listeners: array({ name: string(), host: string(), port: uint16() }) },
    { since: 2, ignorable: true },
  ),
})
export type DescribeQuorumResponse = Message<typeof DescribeQuorumResponse>

/** Tells how far the voters and observers of the metadata log are (KIP-595, KIP-836). Only its leader knows. */
export const DescribeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexibleSince: 0,
  request: DescribeQuorumRequest,
  response: DescribeQuorumResponse,
})
