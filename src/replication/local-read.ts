import { ErrorCode } from '../protocol/errors.ts'
import { expectedErrorCode } from './expected-error.ts'
import type { FetchParams, FetchPartitionRequest, LogReadResult } from './fetch-params.ts'
import type { Partition } from './partition.ts'

const EMPTY = Buffer.alloc(0)

/**
 * Reads the partitions in order until `params.maxBytes` are reached (KIP-74; Kafka's ReplicaManager.readFromLog): the first
 * that has anything gives at least one whole batch, whatever the limits; the last batch of every other may be cut off.
 */
export async function readFromPartitions(
  params: FetchParams,
  requests: readonly FetchPartitionRequest[],
  getPartition: (request: FetchPartitionRequest) => Partition,
): Promise<LogReadResult[]> {
  const results: LogReadResult[] = []
  let bytesLeft = params.maxBytes
  let minOneMessage = true
  for (const request of requests) {
    const result = await readOne(params, request, bytesLeft, minOneMessage, getPartition)
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
  getPartition: (request: FetchPartitionRequest) => Partition,
): Promise<LogReadResult> {
  const { topicIdPartition, fetchOffset, currentLeaderEpoch, lastFetchedEpoch } = request
  try {
    const maxBytes = Math.max(0, Math.min(request.maxBytes, bytesLeft))
    const { isolation } = params
    const read = await getPartition(request).fetchRecords(
      { fetchOffset, maxBytes, isolation, minOneMessage, currentLeaderEpoch, lastFetchedEpoch },
      true,
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
    const errorCode = expectedErrorCode(error)
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
}
