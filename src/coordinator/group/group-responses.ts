import type { DescribeGroupsResponseInput } from '../../protocol/apis/describe-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponseInput } from '../../protocol/apis/offset-commit.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { OffsetFetchGroup, OffsetFetchGroupResponse } from './offset-metadata-manager.ts'

/** First version of OffsetFetch that has an error for a whole group. */
const FIRST_FETCH_VERSION_WITH_GROUP_ERROR = 2

/** An OffsetCommit that failed as a whole. */
export function commitError({ topics }: OffsetCommitRequest, errorCode: ErrorCode): OffsetCommitResponseInput {
  return {
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
}

/** An OffsetFetch that failed for one group (Kafka's OffsetFetchResponse.groupError). */
export function offsetFetchError(
  { groupId, topics }: OffsetFetchGroup,
  errorCode: ErrorCode,
  apiVersion: number,
): OffsetFetchGroupResponse {
  if (apiVersion >= FIRST_FETCH_VERSION_WITH_GROUP_ERROR) return { groupId, topics: [], errorCode }
  return {
    groupId,
    topics: (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
      name,
      topicId,
      partitions: partitionIndexes.map(partitionIndex => ({
        partitionIndex,
        committedOffset: -1,
        metadata: '',
        errorCode,
      })),
    })),
    errorCode: ErrorCode.NONE,
  }
}

/** Groups that cannot be described. */
export function describeGroupsError(
  groupIds: readonly string[],
  errorCode: ErrorCode,
): DescribeGroupsResponseInput['groups'][number][] {
  return groupIds.map(groupId => ({
    groupId,
    errorCode,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: [],
  }))
}
