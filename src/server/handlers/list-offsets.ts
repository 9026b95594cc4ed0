import type { FetchIsolation } from '../../log/unified-log.ts'
import {
  ListOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  ListOffsetsTimestamp,
} from '../../protocol/apis/list-offsets.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiContext, ApiHandler } from '../api-handler.ts'
import { errorCounts } from './error-counts.ts'

type RequestPartition = ListOffsetsRequest['topics'][number]['partitions'][number]
type ResponsePartition = ListOffsetsResponse['topics'][number]['partitions'][number]

const CONSUMER_REPLICA_ID = -1
/** Whoever asks so takes any replica's word. */
const DEBUGGING_REPLICA_ID = -2
const READ_COMMITTED = 1
const FIRST_VERSION_WITH_LEADER_EPOCH = 4
/** First version whose clients know OFFSET_NOT_AVAILABLE (KIP-207). */
const FIRST_VERSION_OFFSET_NOT_AVAILABLE = 5

/** The first version that knows each of the special timestamps. */
const FIRST_VERSION_BY_TIMESTAMP: ReadonlyMap<number, number> = new Map([
  [ListOffsetsTimestamp.LATEST, 1],
  [ListOffsetsTimestamp.EARLIEST, 1],
  [ListOffsetsTimestamp.MAX_TIMESTAMP, 7],
  [ListOffsetsTimestamp.EARLIEST_LOCAL, 8],
  [ListOffsetsTimestamp.LATEST_TIERED, 9],
  [ListOffsetsTimestamp.EARLIEST_PENDING_UPLOAD, 11],
])

export const listOffsetsHandler: ApiHandler = {
  api: ListOffsets,

  async handle(context, request) {
    const body = request.bodyOf(ListOffsets)
    const isolation = isolationOf(body)
    const requireLeader = body.replicaId !== DEBUGGING_REPLICA_ID
    const duplicates = duplicatePartitions(body)
    const { apiVersion } = request.header
    const topics: { name: string; partitions: ResponsePartition[] }[] = []
    for (const { name, partitions } of body.topics) {
      const answered: ResponsePartition[] = []
      for (const partition of partitions) {
        const { partitionIndex, timestamp } = partition
        if (duplicates.has(`${name}:${partitionIndex}`)) {
          answered.push(failed(partitionIndex, ErrorCode.INVALID_REQUEST))
        } else if (!isSupported(timestamp, apiVersion)) {
          answered.push(failed(partitionIndex, ErrorCode.UNSUPPORTED_VERSION))
        } else {
          const found = await offsetOf(context, name, partition, isolation, requireLeader)
          answered.push(asKnownTo(apiVersion, found))
        }
      }
      topics.push({ name, partitions: answered })
    }
    const { requestChannel } = context
    requestChannel.updateErrorMetrics(request, errorCounts(topics.flatMap(({ partitions }) => partitions)))
    requestChannel.sendResponse(request, ListOffsets, { topics })
  },

  sendError(context, request, errorCode) {
    const topics = request.bodyOf(ListOffsets).topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failed(partitionIndex, errorCode)),
    }))
    context.requestChannel.sendResponse(request, ListOffsets, { topics })
  },
}

async function offsetOf(
  context: ApiContext,
  topic: string,
  { partitionIndex, timestamp, currentLeaderEpoch }: RequestPartition,
  isolation: FetchIsolation,
  requireLeader: boolean,
): Promise<ResponsePartition> {
  const topicPartition = { topic, partition: partitionIndex }
  const { replicaManager } = context
  const found = await replicaManager.fetchOffset(
    topicPartition,
    timestamp,
    isolation,
    currentLeaderEpoch,
    requireLeader,
  )
  const { errorCode, offset, leaderEpoch } = found
  return { partitionIndex, errorCode, timestamp: found.timestamp, offset, leaderEpoch }
}

/** The answer without what the version's clients do not know. */
function asKnownTo(version: number, found: ResponsePartition): ResponsePartition {
  if (version >= FIRST_VERSION_OFFSET_NOT_AVAILABLE) return found
  const unknown = found.errorCode === ErrorCode.OFFSET_NOT_AVAILABLE
  return {
    ...found,
    errorCode: unknown ? ErrorCode.LEADER_NOT_AVAILABLE : found.errorCode,
    leaderEpoch: version >= FIRST_VERSION_WITH_LEADER_EPOCH ? found.leaderEpoch : -1,
  }
}

function failed(partitionIndex: number, errorCode: ErrorCode): ResponsePartition {
  return { partitionIndex, errorCode, timestamp: -1, offset: -1, leaderEpoch: -1 }
}

function isolationOf({ replicaId, isolationLevel }: ListOffsetsRequest): FetchIsolation {
  if (replicaId !== CONSUMER_REPLICA_ID) return 'log-end'
  return isolationLevel === READ_COMMITTED ? 'txn-committed' : 'high-watermark'
}

function isSupported(timestamp: number, version: number): boolean {
  if (timestamp >= 0) return true
  return version >= (FIRST_VERSION_BY_TIMESTAMP.get(timestamp) ?? Number.POSITIVE_INFINITY)
}

function duplicatePartitions({ topics }: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}:${partitionIndex}`
      if (seen.has(key)) duplicates.add(key)
      seen.add(key)
    }
  }
  return duplicates
}
