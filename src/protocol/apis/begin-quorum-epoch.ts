import { api } from '../api.ts'
import { array, int16, int32, type Message, message, string, uint16, uuid } from '../schema.ts'

/**
 * BeginQuorumEpoch Request (Version: 0-1, flexible from 1) => cluster_id voter_id [topics] [leader_endpoints]
 *   cluster_id => NULLABLE_STRING
 *   voter_id (1+) => INT32
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index voter_directory_id leader_id leader_epoch
 *       partition_index => INT32
 *       voter_directory_id (1+) => UUID
 *       leader_id => INT32
 *       leader_epoch => INT32
 *   leader_endpoints (1+) => name host port
 *     name => STRING
 *     host => STRING
 *     port => UINT16
 */
export const BeginQuorumEpochRequest = message({
  clusterId: string({ nullable: true, default: null }),
  /** Who is told; −1: not said. */
  voterId: int32({ since: 1, default: -1, ignorable: true }),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      voterDirectoryId: uuid({ since: 1, ignorable: true }),
      leaderId: int32(),
      leaderEpoch: int32(),
    }),
  }),
  leaderEndpoints: array({ name: string(), host: string(), port: uint16() }, { since: 1, ignorable: true }),
})
export type BeginQuorumEpochRequest = Message<typeof BeginQuorumEpochRequest>

/**
 * BeginQuorumEpoch Response (Version: 0-1, flexible from 1) => error_code [topics] [node_endpoints]
 *   error_code => INT16
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index error_code leader_id leader_epoch
 *       partition_index => INT32
 *       error_code => INT16
 *       leader_id => INT32
 *       leader_epoch => INT32
 *   node_endpoints (tag 0, 1+) => node_id host port
 *     node_id => INT32
 *     host => STRING
 *     port => UINT16
 */
export const BeginQuorumEpochResponse = message({
  errorCode: int16(),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      /** −1: not known. */
      leaderId: int32(),
      leaderEpoch: int32(),
    }),
  }),
  nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: true }),
})
export type BeginQuorumEpochResponse = Message<typeof BeginQuorumEpochResponse>

/** A new leader tells the voters that its epoch has begun (KIP-595). */
export const BeginQuorumEpoch = api({
  key: 53,
  name: 'BeginQuorumEpoch',
  versions: [0, 1],
  flexibleSince: 1,
  request: BeginQuorumEpochRequest,
  response: BeginQuorumEpochResponse,
})
