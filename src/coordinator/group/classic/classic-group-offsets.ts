import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { OffsetCommitter } from '../group.ts'
import { expiresAfter, type OffsetExpirationCondition } from '../offset-expiration-condition.ts'
import type { ClassicGroup } from './classic-group.ts'

/**
 * Whether this committer may commit offsets of a classic group now. Without members, one who is none may: an administrator or
 * a consumer that does not use the group to share partitions. @throws ApiError
 */
export function validateOffsetCommit(group: ClassicGroup, committer: OffsetCommitter): void {
  const { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId, isTransactional } = committer
  if (group.isInState('Dead')) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  if (generationId < 0 && group.isEmpty) return
  if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
    group.validateMember(memberId, groupInstanceId)
    if (generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
  } else if (!isTransactional && !group.isEmpty) {
    // OffsetCommit version 0 names no member; transactional commits of old clients do not either, and are accepted.
    throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  }
  // The member knows its generation from the JoinGroup already, but not yet what it may commit.
  if (!isTransactional && group.isInState('CompletingRebalance')) throw new ApiError(ErrorCode.REBALANCE_IN_PROGRESS)
}

/**
 * When the offsets of a classic group expire; undefined: not now. Those of a group that only keeps offsets expire after their
 * commit; those of a group without members after it became empty; those of a stable group of consumers after their commit,
 * in topics that nobody reads any more (KIP-211).
 */
export function offsetExpirationCondition(group: ClassicGroup): OffsetExpirationCondition | undefined {
  if (group.protocolType === undefined) return expiresAfter(({ commitTimestampMs }) => commitTimestampMs)
  if (group.isEmpty) {
    const since = group.currentStateTimestamp
    return expiresAfter(({ commitTimestampMs }) => since ?? commitTimestampMs)
  }
  if (group.usesConsumerGroupProtocol && group.subscribedTopics !== undefined && group.isInState('Stable')) {
    return expiresAfter(({ commitTimestampMs }) => commitTimestampMs)
  }
  return undefined
}
