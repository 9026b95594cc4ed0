import { messageOffsetOnly } from '../log/log-offset-metadata.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { FetchParams, FetchPartitionRequest, LogReadResult } from './fetch-params.ts'
import type { Partition } from './partition.ts'

const EMPTY = Buffer.alloc(0)

export interface ReadSource {
  /** Throws `ApiError` when this broker does not host the partition. */
  getPartition(request: FetchPartitionRequest): Partition
  /** The replica that a consumer should read from instead of this one; undefined: this one. */
  preferredReadReplica(partition: Partition, request: FetchPartitionRequest, params: FetchParams): number | undefined
}

/**
 * Reads the partitions in order until `params.maxBytes` are reached (KIP-74; Kafka's ReplicaManager.readFromLog): the first
 * that has anything gives at least one whole batch, whatever the limits; the last batch of every other may be cut off.
 * @param hasWaited the fetch is read again after it has waited: where its follower stands was noted when it came
 */
export async function readFromPartitions(
  params: FetchParams,
  requests: readonly FetchPartitionRequest[],
  source: ReadSource,
  hasWaited: boolean,
): Promise<LogReadResult[]> {
  const results: LogReadResult[] = []
  let bytesLeft = params.maxBytes
  let minOneMessage = true
  for (const request of requests) {
    const result = await readOne(params, request, bytesLeft, minOneMessage, source, hasWaited)
    const { length } = result.data.records
    if (length > 0) minOneMessage = false
    bytesLeft = Math.max(0, bytesLeft - length)
    results.push(result)
  }
  return results
}

async function readOne(
  params: FetchParams,
  request: FetchPartitionRequest,
  bytesLeft: number,
  minOneMessage: boolean,
  source: ReadSource,
  hasWaited: boolean,
): Promise<LogReadResult> {
  const { topicIdPartition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch } = request
  try {
    const partition = source.getPartition(request)
    const preferred = source.preferredReadReplica(partition, request, params)
    if (preferred !== undefined) return redirected(partition, request, preferred)
    const maxBytes = Math.max(0, Math.min(request.maxBytes, bytesLeft))
    const { isolation, replicaId, requireLeader } = params
    const follower =
      replicaId < 0
        ? undefined
        : {
            replicaId,
            brokerEpoch: params.replicaEpoch,
            logStartOffset: request.logStartOffset,
            updateFetchState: !hasWaited,
          }
    const read = await partition.fetchRecords(
      { fetchOffset, maxBytes, isolation, minOneMessage, currentLeaderEpoch, lastFetchedEpoch },
      requireLeader,
      follower,
    )
    const { highWatermark, lastStableOffset, logStartOffset, fetched, divergingEpoch } = read
    // Half of a first batch would tell its reader nothing but that it must ask for more.
    const records = fetched.firstEntryIncomplete ? EMPTY : fetched.records
    const data = {
      topicIdPartition,
      errorCode: ErrorCode.NONE,
      highWatermark,
      lastStableOffset,
      logStartOffset,
      records,
    }
    return {
      data: divergingEpoch === undefined ? data : { ...data, divergingEpoch },
      fetchOffsetMetadata: fetched.fetchOffsetMetadata,
    }
  } catch (error) {
    return failed(request, expectedErrorCode(error))
  }
}

function redirected(
  partition: Partition,
  { topicIdPartition, currentLeaderEpoch, fetchOffset }: FetchPartitionRequest,
  preferredReadReplica: number,
): LogReadResult {
  const { highWatermark, lastStableOffset, logStartOffset } = partition.fetchOffsetSnapshot(currentLeaderEpoch, false)
  return {
    data: {
      topicIdPartition,
      errorCode: ErrorCode.NONE,
      highWatermark: highWatermark.messageOffset,
      lastStableOffset: lastStableOffset.messageOffset,
      logStartOffset,
      records: EMPTY,
      preferredReadReplica,
    },
    fetchOffsetMetadata: messageOffsetOnly(fetchOffset),
  }
}

function failed({ topicIdPartition }: FetchPartitionRequest, errorCode: number): LogReadResult {
  return {
    data: {
      topicIdPartition,
      errorCode,
      highWatermark: -1,
      lastStableOffset: -1,
      logStartOffset: -1,
      records: EMPTY,
    },
    fetchOffsetMetadata: undefined,
  }
}
