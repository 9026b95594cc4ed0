import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../../protocol/apis/leave-group.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { CoordinatorResult } from '../../common/coordinator-result.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import type { ClassicGroup } from './classic-group.ts'
import { UNKNOWN_MEMBER_ID } from './classic-group-answers.ts'
import type { ClassicGroupRebalancer } from './classic-group-rebalancer.ts'
import { NOTHING_TO_WRITE } from './classic-group-result.ts'

type Leaving = LeaveGroupRequest['members'][number]

/**
 * LeaveGroup of a classic group: several members may leave at once, and static ones be put out by their names (KIP-345;
 * GroupMetadataManager.classicGroupLeaveToClassicGroup).
 */
export function leaveClassicGroup(
  rebalancer: ClassicGroupRebalancer,
  group: ClassicGroup,
  request: LeaveGroupRequest,
): CoordinatorResult<LeaveGroupResponseInput, GroupCoordinatorRecord> {
  if (group.isInState('Dead')) {
    return { records: [], response: { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [] } }
  }
  const members = request.members.map(leaving => ({
    memberId: leaving.memberId,
    groupInstanceId: leaving.groupInstanceId,
    errorCode: leave(rebalancer, group, leaving),
  }))
  const response = { errorCode: ErrorCode.NONE, members }
  if (members.every(({ errorCode }) => errorCode !== ErrorCode.NONE)) return { records: [], response }
  return { ...rebalance(rebalancer, group), response }
}

function leave(rebalancer: ClassicGroupRebalancer, group: ClassicGroup, leaving: Leaving): ErrorCode {
  const { groupInstanceId } = leaving
  const byName = leaving.memberId === UNKNOWN_MEMBER_ID
  if (!byName && group.isPendingMember(leaving.memberId)) {
    group.remove(leaving.memberId)
    rebalancer.cancelHeartbeat(group.groupId, leaving.memberId)
    return ErrorCode.NONE
  }
  const memberId = byName ? (group.staticMemberId(groupInstanceId ?? '') ?? UNKNOWN_MEMBER_ID) : leaving.memberId
  try {
    group.validateMember(memberId, groupInstanceId)
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
  const member = group.member(memberId)
  if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
  rebalancer.cancelHeartbeat(group.groupId, memberId)
  rebalancer.removeMember(group, member)
  return ErrorCode.NONE
}

function rebalance(rebalancer: ClassicGroupRebalancer, group: ClassicGroup) {
  if (group.isInState('Stable', 'CompletingRebalance')) return rebalancer.maybePrepareRebalanceOrCompleteJoin(group)
  return group.isInState('PreparingRebalance') ? rebalancer.maybeCompleteJoinPhase(group) : NOTHING_TO_WRITE
}
