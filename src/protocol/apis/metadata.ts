import { api } from '../api.ts'
import { array, bool, int16, int32, type Message, message, string, uuid } from '../schema.ts'

/** The value of authorized-operations fields that were not asked for. */
export const NO_AUTHORIZED_OPERATIONS = -2_147_483_648

/**
 * Metadata Request (Version: 0-13, flexible from 9) => [topics] allow_auto_topic_creation
 *     include_cluster_authorized_operations include_topic_authorized_operations
 *   topics (nullable 1+) => topic_id name
 *     topic_id (10+) => UUID
 *     name => STRING | NULLABLE_STRING (10+)
 *   allow_auto_topic_creation (4+) => BOOLEAN
 *   include_cluster_authorized_operations (8-10) => BOOLEAN
 *   include_topic_authorized_operations (8+) => BOOLEAN
 */
export const MetadataRequest = message({
  /** Null: all topics. Empty: none, but in version 0, which knows no null, all. */
  topics: array(
    {
      topicId: uuid({ since: 10, ignorable: true }),
      name: string({ nullableSince: 10 }),
    },
    { nullableSince: 1 },
  ),
  allowAutoTopicCreation: bool({ since: 4, default: true }),
  includeClusterAuthorizedOperations: bool({ since: 8, until: 10 }),
  includeTopicAuthorizedOperations: bool({ since: 8 }),
})
export type MetadataRequest = Message<typeof MetadataRequest>

/**
 * Metadata Response (Version: 0-13, flexible from 9) => throttle_time_ms [brokers] cluster_id controller_id
 *     [topics] cluster_authorized_operations error_code
 *   throttle_time_ms (3+) => INT32
 *   brokers => node_id host port rack
 *     node_id => INT32
 *     host => STRING
 *     port => INT32
 *     rack (1+) => NULLABLE_STRING
 *   cluster_id (2+) => NULLABLE_STRING
 *   controller_id (1+) => INT32
 *   topics => error_code name topic_id is_internal [partitions] topic_authorized_operations
 *     error_code => INT16
 *     name => STRING | NULLABLE_STRING (12+)
 *     topic_id (10+) => UUID
 *     is_internal (1+) => BOOLEAN
 *     partitions => error_code partition_index leader_id leader_epoch [replica_nodes] [isr_nodes]
 *         [offline_replicas]
 *       error_code => INT16
 *       partition_index => INT32
 *       leader_id => INT32
 *       leader_epoch (7+) => INT32
 *       replica_nodes => ARRAY(INT32)
 *       isr_nodes => ARRAY(INT32)
 *       offline_replicas (5+) => ARRAY(INT32)
 *     topic_authorized_operations (8+) => INT32
 *   cluster_authorized_operations (8-10) => INT32
 *   error_code (13+) => INT16
 */
export const MetadataResponse = message({
  throttleTimeMs: int32({ since: 3, ignorable: true }),
  brokers: array({
    nodeId: int32(),
    host: string(),
    port: int32(),
    rack: string({ since: 1, nullable: true, default: null, ignorable: true }),
  }),
  clusterId: string({ since: 2, nullable: true, default: null, ignorable: true }),
  controllerId: int32({ since: 1, default: -1, ignorable: true }),
  topics: array({
    errorCode: int16(),
    name: string({ nullableSince: 12 }),
    topicId: uuid({ since: 10, ignorable: true }),
    isInternal: bool({ since: 1, default: false, ignorable: true }),
    partitions: array({
      errorCode: int16(),
      partitionIndex: int32(),
      leaderId: int32(),
      leaderEpoch: int32({ since: 7, default: -1, ignorable: true }),
      replicaNodes: array(int32()),
      isrNodes: array(int32()),
      offlineReplicas: array(int32(), { since: 5, ignorable: true }),
    }),
    topicAuthorizedOperations: int32({ since: 8, default: NO_AUTHORIZED_OPERATIONS }),
  }),
  clusterAuthorizedOperations: int32({ since: 8, until: 10, default: NO_AUTHORIZED_OPERATIONS }),
  errorCode: int16({ since: 13, ignorable: true }),
})
export type MetadataResponse = Message<typeof MetadataResponse>

export const Metadata = api({
  key: 3,
  name: 'Metadata',
  versions: [0, 13],
  flexibleSince: 9,
  request: MetadataRequest,
  response: MetadataResponse,
})
