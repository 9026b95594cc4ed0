import { api } from '../api.ts'
import { array, bool, int16, int32, type Message, message, string, uuid } from '../schema.ts'

/** The value of authorized-operations fields that were not asked for. */
export const NO_AUTHORIZED_OPERATIONS = -2_147_483_648

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
