import { api } from '../api.ts'
import { array, bool, int16, int32, int64, type Message, message, string, uint16, uuid } from '../schema.ts'

/**
 * Vote Request (Version: 0-2, flexible from 0) => cluster_id voter_id [topics]
 *   cluster_id => NULLABLE_STRING
 *   voter_id (1+) => INT32
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index replica_epoch replica_id replica_directory_id voter_directory_id
 *         last_offset_epoch last_offset pre_vote
 *       partition_index => INT32
 *       replica_epoch => INT32
 *       replica_id => INT32
 *       replica_directory_id (1+) => UUID
 *       voter_directory_id (1+) => UUID
 *       last_offset_epoch => INT32
 *       last_offset => INT64
 *       pre_vote (2+) => BOOLEAN
 */
export const VoteRequest = message({
  clusterId: string({ nullable: true, default: null }),
  /** Who is asked; −1: not told. */
  voterId: int32({ since: 1, default: -1, ignorable: true }),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      /** The epoch of who asks: in a pre-vote its present one, else the one it wants to lead in. */
      replicaEpoch: int32(),
      replicaId: int32(),
      replicaDirectoryId: uuid({ since: 1, ignorable: true }),
      voterDirectoryId: uuid({ since: 1, ignorable: true }),
      /** Epoch of the last record in the log of who asks. */
      lastOffsetEpoch: int32(),
      /** End of the log of who asks. */
      lastOffset: int64(),
      /** Whether it only asks how an election would go (KIP-996). */
      preVote: bool({ since: 2 }),
    }),
  }),
})
export type VoteRequest = Message<typeof VoteRequest>

/**
 * Vote Response (Version: 0-2, flexible from 0) => error_code [topics] [node_endpoints]
 *   error_code => INT16
 *   topics => topic_name [partitions]
 *     topic_name => STRING
 *     partitions => partition_index error_code leader_id leader_epoch vote_granted
 *       partition_index => INT32
 *       error_code => INT16
 *       leader_id => INT32
 *       leader_epoch => INT32
 *       vote_granted => BOOLEAN
 *   node_endpoints (tag 0, 1+) => node_id host port
 *     node_id => INT32
 *     host => STRING
 *     port => UINT16
 */
export const VoteResponse = message({
  errorCode: int16(),
  topics: array({
    topicName: string(),
    partitions: array({
      partitionIndex: int32(),
      errorCode: int16(),
      /** −1: not known. */
      leaderId: int32(),
      leaderEpoch: int32(),
      voteGranted: bool(),
    }),
  }),
  nodeEndpoints: array({ nodeId: int32(), host: string(), port: uint16() }, { since: 1, tag: 0, ignorable: true }),
})
export type VoteResponse = Message<typeof VoteResponse>

/** A voter asks another one for its vote (KIP-595), or what it would be (KIP-996). */
export const Vote = api({
  key: 52,
  name: 'Vote',
  versions: [0, 2],
  flexibleSince: 0,
  request: VoteRequest,
  response: VoteResponse,
})
