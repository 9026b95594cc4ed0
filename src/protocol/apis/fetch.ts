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
