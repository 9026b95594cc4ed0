import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { Request } from '../../network/request.ts'
import { Produce, type ProduceRequest, type ProduceResponse } from '../../protocol/apis/produce.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import { RecordsError } from '../../protocol/records/errors.ts'
import { produceBatch } from '../../protocol/records/produce-batch.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { ProducePartitionResult } from '../../replication/delayed-produce.ts'
import type { TopicIdPartition } from '../../replication/fetch-params.ts'
import { failedProduce } from '../../replication/local-append.ts'
import type { ApiContext, ApiHandler } from '../api-handler.ts'
import { errorCounts } from './error-counts.ts'
import { LeaderHints } from './leader-hints.ts'

/** First version that names topics by id. */
const FIRST_VERSION_BY_ID = 13
/** First version that tells who leads instead (KIP-951). */
const FIRST_VERSION_WITH_LEADER_HINTS = 10
const NO_RECORDS = Buffer.alloc(0)

type PartitionResponse = MessageInput<typeof ProduceResponse>['responses'][number]['partitionResponses'][number]

interface Entry {
  readonly topicIdPartition: TopicIdPartition
  readonly records: Buffer
}

/** What a request's partitions are: to be appended, or answered with an error already. In the order of the request. */
interface Sorted {
  readonly entries: Entry[]
  readonly refused: ProducePartitionResult[]
}

export const produceHandler: ApiHandler = {
  api: Produce,

  async handle(context, request) {
    const body = request.bodyOf(Produce)
    const { entries, refused } = sort(body, request.header.apiVersion, context.metadataCache.image)
    if (entries.length === 0) {
      respond(context, request, refused)
      return
    }
    await context.replicaManager.appendRecords(
      {
        timeoutMs: body.timeoutMs,
        requiredAcks: body.acks,
        origin: 'client',
        entries,
      },
      results => respond(context, request, [...results, ...refused]),
    )
  },

  sendError(context, request, errorCode, errorMessage) {
    const body = request.bodyOf(Produce)
    if (body.acks === 0) {
      // Nobody waits for an answer; that the connection ends is how the producer learns of it.
      context.requestChannel.closeConnection(request)
      return
    }
    context.requestChannel.sendResponse(request, Produce, {
      responses: body.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => ({
          index,
          errorCode,
          baseOffset: -1,
          errorMessage: errorMessage ?? null,
        })),
      })),
    })
  },
}

function sort(body: ProduceRequest, version: number, image: MetadataImage): Sorted {
  const entries: Entry[] = []
  const refused: ProducePartitionResult[] = []
  for (const { name, topicId, partitionData } of body.topicData) {
    const byId = version >= FIRST_VERSION_BY_ID
    const topic = byId ? image.topics.getTopicById(topicId) : image.topics.getTopic(name)
    for (const { index: partition, records } of partitionData) {
      const topicIdPartition = { topicId: topic?.id ?? topicId, topic: topic?.name ?? name, partition }
      if (topic?.partitions.has(partition) !== true) {
        const unknownId = byId && topic === undefined
        const code = unknownId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        refused.push(failedProduce(topicIdPartition, code))
        continue
      }
      const problem = checkRecords(topicIdPartition, records, version, body.transactionalId)
      if (problem !== undefined) refused.push(problem)
      else entries.push({ topicIdPartition, records: records ?? NO_RECORDS })
    }
  }
  return { entries, refused }
}

/**
 * What is wrong with the records without regard to the topic (Kafka's `ProduceRequest.validateRecords`). Throws ApiError,
 * which refuses the whole request, for records of a transaction in a request that names none.
 */
function checkRecords(
  topicIdPartition: TopicIdPartition,
  records: Buffer | null,
  version: number,
  transactionalId: string | null,
): ProducePartitionResult | undefined {
  try {
    const batch = produceBatch(records, version)
    if (!batch.isTransactional) return undefined
    if (transactionalId === null) throw new ApiError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    // Whether the partition is part of the transaction would be the coordinator's to say, and there is none yet. Kafka
    // answers so too while it cannot reach the coordinator, because all clients repeat it.
    const message = 'the transaction coordinator is not available'
    return failedProduce(topicIdPartition, ErrorCode.NOT_ENOUGH_REPLICAS, message)
  } catch (error) {
    if (error instanceof RecordsError) return failedProduce(topicIdPartition, error.code, error.message)
    throw error
  }
}

function respond(context: ApiContext, request: Request, results: readonly ProducePartitionResult[]): void {
  const { requestChannel } = context
  const { acks } = request.bodyOf(Produce)
  requestChannel.updateErrorMetrics(request, errorCounts(results))
  if (acks === 0) {
    // No answer is expected. The end of the connection tells the producer to look at its metadata again.
    const failure = results.some(({ errorCode }) => errorCode !== ErrorCode.NONE)
    if (failure) requestChannel.closeConnection(request)
    else requestChannel.sendNoOpResponse(request)
    return
  }
  const hints = new LeaderHints(context, request)
  const responses: { name: string; topicId: string; partitionResponses: PartitionResponse[] }[] = []
  for (const result of results) {
    const { topic, topicId } = result.topicIdPartition
    const known = responses.find(response => response.name === topic && response.topicId === topicId)
    const partitionResponse = partitionOf(request, result, hints)
    if (known !== undefined) known.partitionResponses.push(partitionResponse)
    else responses.push({ name: topic, topicId, partitionResponses: [partitionResponse] })
  }
  requestChannel.sendResponse(request, Produce, { responses, nodeEndpoints: hints.nodeEndpoints })
}

function partitionOf(request: Request, result: ProducePartitionResult, hints: LeaderHints): PartitionResponse {
  const { topicIdPartition, errorCode, baseOffset, logAppendTimeMs, logStartOffset, recordErrors, errorMessage } =
    result
  const response: PartitionResponse = {
    index: topicIdPartition.partition,
    errorCode,
    baseOffset,
    logAppendTimeMs,
    logStartOffset,
    recordErrors: recordErrors.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message })),
    errorMessage,
  }
  const hinted = request.header.apiVersion >= FIRST_VERSION_WITH_LEADER_HINTS
  if (!hinted || errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return response
  return { ...response, currentLeader: hints.leaderOf(topicIdPartition) }
}
