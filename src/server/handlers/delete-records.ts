import type { Request } from '../../network/request.ts'
import { DeleteRecords, type DeleteRecordsRequest } from '../../protocol/apis/delete-records.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DeleteRecordsResult } from '../../replication/delayed-delete-records.ts'
import type { ApiContext, ApiHandler } from '../api-handler.ts'
import { errorCounts } from './error-counts.ts'

export const deleteRecordsHandler: ApiHandler = {
  api: DeleteRecords,

  async handle(context, request) {
    const offsets = offsetsOf(request.bodyOf(DeleteRecords))
    const { image } = context.metadataCache
    const existing = offsets.filter(({ topicPartition: { topic, partition } }) =>
      image.topics.getTopic(topic)?.partitions.has(partition),
    )
    const { timeoutMs } = request.bodyOf(DeleteRecords)
    await context.replicaManager.deleteRecords(timeoutMs, existing, results => respond(context, request, results))
  },

  sendError(context, request, errorCode) {
    const topics = request.bodyOf(DeleteRecords).topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode })),
    }))
    context.requestChannel.sendResponse(request, DeleteRecords, { topics })
  },
}

function respond(context: ApiContext, request: Request, results: readonly DeleteRecordsResult[]): void {
  const byPartition = new Map(results.map(result => [keyOf(result.topicPartition), result]))
  const topics = request.bodyOf(DeleteRecords).topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => {
      const result = byPartition.get(keyOf({ topic: name, partition: partitionIndex }))
      const errorCode = result?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return { partitionIndex, lowWatermark: result?.lowWatermark ?? -1, errorCode }
    }),
  }))
  const { requestChannel } = context
  requestChannel.updateErrorMetrics(request, errorCounts(topics.flatMap(({ partitions }) => partitions)))
  requestChannel.sendResponse(request, DeleteRecords, { topics })
}

/** One entry a partition: as in Kafka, the last offset given for it counts. */
function offsetsOf({ topics }: DeleteRecordsRequest) {
  const offsets = new Map<string, { topicPartition: { topic: string; partition: number }; offset: number }>()
  for (const { name: topic, partitions } of topics) {
    for (const { partitionIndex: partition, offset } of partitions) {
      offsets.set(keyOf({ topic, partition }), { topicPartition: { topic, partition }, offset })
    }
  }
  return [...offsets.values()]
}

function keyOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}:${partition}`
}
