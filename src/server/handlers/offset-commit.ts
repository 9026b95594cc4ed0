import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import { commitError } from '../../coordinator/group/group-responses.ts'
import { OffsetCommit, type OffsetCommitRequest } from '../../protocol/apis/offset-commit.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'
import { PartitionResults } from './partition-results.ts'

/** First version that names topics by their ids, and not by their names. */
const FIRST_VERSION_BY_ID = 10

type RequestTopic = OffsetCommitRequest['topics'][number]

/** Offsets of partitions that do not exist are refused here; the others go to the group's coordinator. */
export const offsetCommitHandler: ApiHandler = {
  api: OffsetCommit,
  background: true,

  async handle(context, request) {
    const body = request.bodyOf(OffsetCommit)
    const { image } = context.metadataCache
    const results = new PartitionResults()
    const topics: RequestTopic[] = []
    for (const asked of body.topics) {
      const topic = named(image, asked, request.header.apiVersion)
      if (topic.name === '') {
        results.add(topic, topic.partitions, ErrorCode.UNKNOWN_TOPIC_ID)
        continue
      }
      const existing = image.topics.getTopic(topic.name)?.partitions
      const exists = ({ partitionIndex }: { partitionIndex: number }) => existing?.has(partitionIndex) === true
      const partitions = topic.partitions.filter(exists)
      results.add(
        topic,
        topic.partitions.filter(partition => !exists(partition)),
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      )
      if (partitions.length > 0) topics.push({ ...topic, partitions })
    }
    if (topics.length > 0) {
      const response = await context.groupCoordinator.commitOffsets(groupContextOf(request), { ...body, topics })
      results.merge(response.topics)
    }
    context.requestChannel.sendResponse(request, OffsetCommit, { topics: results.topics })
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, OffsetCommit, commitError(request.bodyOf(OffsetCommit), errorCode))
  },
}

/** The topic with its name; empty when there is none of that id. */
function named(image: MetadataImage, topic: RequestTopic, apiVersion: number): RequestTopic {
  if (apiVersion < FIRST_VERSION_BY_ID) return topic
  return { ...topic, name: image.topics.getTopicById(topic.topicId)?.name ?? '' }
}
