import { api } from '../api.ts'
import { array, int16, int32, type Message, message, string, uint16, uuid } from '../schema.ts'

/**
 * EndQuorumEpoch Request (Version: 0-1, flexible from 1) => cluster_id [topics] [leader_endpoints]
 *   cluster_id => NULLABLE_STRING
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index leader_id leader_epoch [preferred_successors] [preferred_candidates]
 *       partition_index => INT32
 *       leader_id => INT32
 *       leader_epoch => INT32
 *       preferred_successors (0-0) => ARRAY(INT32)
 *       preferred_candidates (1+) => candidate_id candidate_directory_id
 *         candidate_id => INT32
 *         candidate_directory_id => UUID
 *   leader_endpoints (1+) => name host port
 *     name => STRING
 *     host => STRING
 *     port => UINT16
 */
export const EndQuorumEpochRequest = message({
  clusterId: string({ nullable: true, default: null }),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      leaderId: int32(),
      leaderEpoch: int32(),
      /** Who should stand for election, the first at once and the others later. */
      preferredSuccessors: array(int32(), { until: 0, ignorable: true }),
      preferredCandidates: array({ candidateId: int32(), candidateDirectoryId: uuid() }, { since: 1, ignorable: true }),
    }),
  }),
  leaderEndpoints: array({ name: string(), host: string(), port: uint16() }, { since: 1, ignorable: true }),
})
export type EndQuorumEpochRequest = Message<typeof EndQuorumEpochRequest>

/**
 * EndQuorumEpoch Response (Version: 0-1, flexible from 1) => error_code [topics] [node_endpoints]
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
export const EndQuorumEpochResponse = message({
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
export type EndQuorumEpochResponse = Message<typeof EndQuorumEpochResponse>

/** A leader that resigns tells the voters so, that they need not wait for a timeout (KIP-595). */
export const EndQuorumEpoch = api({
  key: 54,
  name: 'EndQuorumEpoch',
  versions: [0, 1],
  flexibleSince: 1,
  request: EndQuorumEpochRequest,
  response: EndQuorumEpochResponse,
})
