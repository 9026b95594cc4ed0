import type { FetchIsolation } from '../../log/unified-log.ts'
import type { Request } from '../../network/request.ts'
import { Fetch, type FetchRequest } from '../../protocol/apis/fetch.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { FetchParams, FetchPartitionData, FetchPartitionRequest } from '../../replication/fetch-params.ts'
import type { ApiContext, ApiHandler } from '../api-handler.ts'
import type { FetchContext, FetchResult } from '../fetch-manager.ts'
import type { FetchPartitionEntry, FetchResponsePartition, TopicIdPartition } from '../fetch-session.ts'
import { errorCounts } from './error-counts.ts'
import { LeaderHints } from './leader-hints.ts'

/** First version that tells addresses of leaders (KIP-951). */
const FIRST_VERSION_WITH_LEADER_HINTS = 16
/** First version that tells errors of the whole request in one place, and so lists no partitions with them. */
const FIRST_VERSION_WITHOUT_FAILED_PARTITIONS = 13
/** First version whose clients are sure to know KAFKA_STORAGE_ERROR. */
const FIRST_VERSION_WITH_STORAGE_ERROR = 6
/** First version that tells the follower and its epoch in a tagged field (KIP-903). */
const FIRST_VERSION_WITH_REPLICA_STATE = 15
/** First version whose clients may be told to read from a follower (KIP-392). */
const FIRST_VERSION_WITH_RACK = 11
const CONSUMER_REPLICA_ID = -1
const READ_COMMITTED = 1
const NO_RECORDS = Buffer.alloc(0)

export const fetchHandler: ApiHandler = {
  api: Fetch,

  async handle(context, request) {
    const body = request.bodyOf(Fetch)
    const replicaId = replicaIdOf(body)
    const isFromFollower = replicaId >= 0
    const { image } = context.metadataCache
    const nameOf = (topicId: string) => image.topics.getTopicById(topicId)?.name ?? null
    const fetchContext = context.fetchManager.newContext(request.header.apiVersion, body, isFromFollower, nameOf)
    const refused: FetchResult[] = []
    const interesting: FetchPartitionRequest[] = []
    for (const entry of fetchContext.partitions) {
      const code = checkPartition(context, entry.id)
      if (code !== undefined) refused.push({ id: entry.id, data: failed(entry.id.partition, code) })
      else interesting.push(toRequest(entry))
    }
    if (interesting.length === 0) {
      respond(context, request, fetchContext, [], refused)
      return
    }
    const maxBytes = Math.min(body.maxBytes, context.config.fetchMaxBytes)
    const { apiVersion } = request.header
    const canReadFromFollower = !isFromFollower && apiVersion >= FIRST_VERSION_WITH_RACK
    const params: FetchParams = {
      replicaId,
      replicaEpoch: apiVersion >= FIRST_VERSION_WITH_REPLICA_STATE ? body.replicaState.replicaEpoch : -1,
      requireLeader: !canReadFromFollower,
      clientMetadata: canReadFromFollower
        ? { rackId: body.rackId, listenerName: request.context.listenerName }
        : undefined,
      maxWaitMs: body.maxWaitMs,
      minBytes: Math.min(body.minBytes, maxBytes),
      maxBytes,
      isolation: isolationOf(replicaId, body),
    }
    await context.replicaManager.fetchMessages(params, interesting, results =>
      respond(context, request, fetchContext, results, refused),
    )
  },

  sendError(context, request, errorCode) {
    const body = request.bodyOf(Fetch)
    const topics = request.header.apiVersion < FIRST_VERSION_WITHOUT_FAILED_PARTITIONS ? body.topics : []
    context.requestChannel.sendResponse(request, Fetch, {
      errorCode,
      sessionId: body.sessionId,
      responses: topics.map(({ topic, topicId, partitions }) => ({
        topic,
        topicId,
        partitions: partitions.map(({ partition }) => failed(partition, errorCode)),
      })),
    })
  },
}

function replicaIdOf({ replicaId, replicaState }: FetchRequest): number {
  return replicaId === -1 ? replicaState.replicaId : replicaId
}

/** Followers, and whoever says to be neither follower nor consumer, see everything. */
function isolationOf(replicaId: number, { isolationLevel }: FetchRequest): FetchIsolation {
  if (replicaId !== CONSUMER_REPLICA_ID) return 'log-end'
  return isolationLevel === READ_COMMITTED ? 'txn-committed' : 'high-watermark'
}

function checkPartition(context: ApiContext, { topic, partition }: TopicIdPartition): ErrorCode | undefined {
  if (topic === null) return ErrorCode.UNKNOWN_TOPIC_ID
  const known = context.metadataCache.image.topics.getTopic(topic)?.partitions.has(partition) === true
  return known ? undefined : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

function toRequest({ id, data }: FetchPartitionEntry): FetchPartitionRequest {
  const { fetchOffset, logStartOffset, maxBytes, currentLeaderEpoch, lastFetchedEpoch } = data
  return {
    topicIdPartition: { topicId: id.topicId, topic: id.topic ?? '', partition: id.partition },
    fetchOffset,
    logStartOffset,
    maxBytes,
    currentLeaderEpoch,
    lastFetchedEpoch,
  }
}

function failed(partitionIndex: number, errorCode: ErrorCode): FetchResponsePartition {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    divergingEpoch: { epoch: -1, endOffset: -1 },
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    abortedTransactions: null,
    preferredReadReplica: -1,
    records: NO_RECORDS,
  }
}

function respond(
  context: ApiContext,
  request: Request,
  fetchContext: FetchContext,
  read: readonly FetchPartitionData[],
  refused: readonly FetchResult[],
): void {
  const hints = new LeaderHints(context, request)
  const committedOnly = request.bodyOf(Fetch).isolationLevel === READ_COMMITTED
  const results = read.map(data => ({
    id: data.topicIdPartition,
    data: partitionOf(request, data, committedOnly, hints),
  }))
  results.push(...refused.map(({ id, data }) => ({ id: { ...id, topic: id.topic ?? '' }, data })))
  const { requestChannel } = context
  requestChannel.updateErrorMetrics(request, errorCounts(results.map(({ data }) => data)))
  const response = fetchContext.response(results)
  requestChannel.sendResponse(request, Fetch, { ...response, nodeEndpoints: hints.nodeEndpoints })
}

/** Old clients take an error that they do not know for a fatal one; this one makes them look for the leader again. */
function knownError(errorCode: number, version: number): number {
  const unknown = errorCode === ErrorCode.KAFKA_STORAGE_ERROR && version < FIRST_VERSION_WITH_STORAGE_ERROR
  return unknown ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode
}

function partitionOf(
  request: Request,
  read: FetchPartitionData,
  committedOnly: boolean,
  hints: LeaderHints,
): FetchResponsePartition {
  const { highWatermark, lastStableOffset, logStartOffset, records, divergingEpoch, preferredReadReplica } = read
  const { partition } = read.topicIdPartition
  const errorCode = knownError(read.errorCode, request.header.apiVersion)
  const wrongLeader = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
  const hinted = wrongLeader && request.header.apiVersion >= FIRST_VERSION_WITH_LEADER_HINTS
  return {
    partitionIndex: partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    divergingEpoch: divergingEpoch ?? { epoch: -1, endOffset: -1 },
    currentLeader: hinted ? hints.leaderOf(read.topicIdPartition) : { leaderId: -1, leaderEpoch: -1 },
    snapshotId: { endOffset: -1, epoch: -1 },
    // No transaction is ever open or aborted here yet.
    abortedTransactions: committedOnly ? [] : null,
    preferredReadReplica: preferredReadReplica ?? -1,
    records,
  }
}
