import type { HeartbeatRequest, HeartbeatResponseInput } from '../../../protocol/apis/heartbeat.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import { answer, type CoordinatorResult } from '../../common/coordinator-result.ts'
import type { ClassicGroup } from './classic-group.ts'
import type { ClassicGroupRebalancer } from './classic-group-rebalancer.ts'

/**
 * Heartbeat of a classic group: the member lives, and hears whether it is to join again.
 * (GroupMetadataManager.classicGroupHeartbeatToClassicGroup). @throws ApiError for who is not a member of the generation
 */
export function heartbeatClassicGroup(
  rebalancer: ClassicGroupRebalancer,
  group: ClassicGroup,
  request: HeartbeatRequest,
): CoordinatorResult<HeartbeatResponseInput, never> {
  const { memberId, groupInstanceId, generationId } = request
  if (group.isInState('Dead')) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  group.validateMember(memberId, groupInstanceId)
  if (generationId !== group.generationId) throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
  const member = group.member(memberId)
  if (member === undefined || group.isEmpty) return answer({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID })
  // After its JoinGroup was answered a member sends heartbeats, though the rebalance is not yet complete.
  rebalancer.rescheduleHeartbeat(group, member)
  const rebalancing = group.isInState('PreparingRebalance')
  return answer({ errorCode: rebalancing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE })
}
