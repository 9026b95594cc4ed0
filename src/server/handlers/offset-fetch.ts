import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import { offsetFetchError } from '../../coordinator/group/group-responses.ts'
import type { OffsetFetchGroup, OffsetFetchGroupResponse } from '../../coordinator/group/offset-metadata-manager.ts'
import {
  OffsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponseInput,
} from '../../protocol/apis/offset-fetch.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

/** First version that asks for several groups at once. */
const FIRST_BATCHED_VERSION = 8
/** First version that names topics by their ids, and not by their names. */
const FIRST_VERSION_BY_ID = 10

type ResponseTopic = OffsetFetchGroupResponse['topics'][number]
type RequestTopic = NonNullable<OffsetFetchGroup['topics']>[number]

export const offsetFetchHandler: ApiHandler = {
  api: OffsetFetch,
  background: true,

  async handle(context, request) {
    const body = request.bodyOf(OffsetFetch)
    const { apiVersion } = request.header
    const groups = await Promise.all(
      groupsOf(body, apiVersion).map(async group => {
        const { image } = context.metadataCache
        const { topics, unknown } = named(image, group.topics, apiVersion)
        const asked = { ...group, topics }
        const { requireStable } = body
        const answer = await context.groupCoordinator.fetchOffsets(groupContextOf(request), asked, requireStable)
        if ((answer.errorCode ?? ErrorCode.NONE) !== ErrorCode.NONE) return answer
        return { ...answer, topics: [...withIds(image, answer.topics, group, apiVersion), ...unknown] }
      }),
    )
    context.requestChannel.sendResponse(request, OffsetFetch, inVersion(groups, apiVersion))
  },

  sendError(context, request, errorCode) {
    const { apiVersion } = request.header
    const groups = groupsOf(request.bodyOf(OffsetFetch), apiVersion)
    const failed = groups.map(group => offsetFetchError(group, errorCode, apiVersion))
    context.requestChannel.sendResponse(request, OffsetFetch, inVersion(failed, apiVersion))
  },
}

/** What is asked for, in the form of later versions. */
function groupsOf(request: OffsetFetchRequest, apiVersion: number): readonly OffsetFetchGroup[] {
  if (apiVersion >= FIRST_BATCHED_VERSION) return request.groups
  const topics = request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }]
}

/** The topics with their names, and the answer for those whose id nothing has. */
function named(
  image: MetadataImage,
  topics: OffsetFetchGroup['topics'],
  apiVersion: number,
): { topics: readonly RequestTopic[] | null; unknown: readonly ResponseTopic[] } {
  if (topics === null || apiVersion < FIRST_VERSION_BY_ID) return { topics, unknown: [] }
  const all = topics.map(topic => ({ ...topic, name: image.topics.getTopicById(topic.topicId)?.name ?? '' }))
  return {
    topics: all.filter(({ name }) => name !== ''),
    unknown: all
      .filter(({ name }) => name === '')
      .map(({ topicId, partitionIndexes }) => ({
        topicId,
        partitions: partitionIndexes.map(partitionIndex => ({
          partitionIndex,
          committedOffset: -1,
          metadata: '',
          errorCode: ErrorCode.UNKNOWN_TOPIC_ID,
        })),
      })),
  }
}

/** An answer about all topics has no ids; topics that are no more cannot be told by one, and are left out. */
function withIds(
  image: MetadataImage,
  topics: readonly ResponseTopic[],
  group: OffsetFetchGroup,
  apiVersion: number,
): readonly ResponseTopic[] {
  if (apiVersion < FIRST_VERSION_BY_ID || group.topics !== null) return topics
  return topics.flatMap(topic => {
    const topicId = image.topics.getTopic(topic.name ?? '')?.id
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
}

function inVersion(groups: readonly OffsetFetchGroupResponse[], apiVersion: number): OffsetFetchResponseInput {
  if (apiVersion >= FIRST_BATCHED_VERSION) return { groups }
  const [group] = groups
  const topics = group?.topics.map(({ name = '', partitions }) => ({ name, partitions })) ?? []
  return { topics, errorCode: group?.errorCode ?? ErrorCode.NONE }
}
