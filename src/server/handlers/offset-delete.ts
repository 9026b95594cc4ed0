import { OffsetDelete, type OffsetDeleteRequest } from '../../protocol/apis/offset-delete.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { PartitionResults } from './partition-results.ts'

/** Partitions that do not exist are refused here; the others go to the group's coordinator. */
export const offsetDeleteHandler: ApiHandler = {
  api: OffsetDelete,
  background: true,

  async handle(context, request) {
    const body = request.bodyOf(OffsetDelete)
    const results = new PartitionResults()
    const topics: OffsetDeleteRequest['topics'][number][] = []
    for (const topic of body.topics) {
      const existing = context.metadataCache.image.topics.getTopic(topic.name)?.partitions
      const exists = ({ partitionIndex }: { partitionIndex: number }) => existing?.has(partitionIndex) === true
      const partitions = topic.partitions.filter(exists)
      results.add(
        topic,
        topic.partitions.filter(partition => !exists(partition)),
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      )
      if (partitions.length > 0) topics.push({ ...topic, partitions })
    }
    const response = await context.groupCoordinator.deleteOffsets({ ...body, topics })
    if (response.errorCode !== ErrorCode.NONE) {
      this.sendError(context, request, response.errorCode as ErrorCode)
      return
    }
    results.merge(response.topics)
    const merged = results.topics.map(({ name, partitions }) => ({ name, partitions }))
    context.requestChannel.sendResponse(request, OffsetDelete, { errorCode: ErrorCode.NONE, topics: merged })
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, OffsetDelete, { errorCode, topics: [] })
  },
}
