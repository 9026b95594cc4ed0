import type { SyncGroupRequest, SyncGroupResponseInput } from '../../../protocol/apis/sync-group.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { ClassicGroup } from './classic-group.ts'
import { appendErrorToResponseError, syncError } from './classic-group-answers.ts'
import { EMPTY_ASSIGNMENT } from './classic-group-member.ts'
import type { ClassicGroupRebalancer } from './classic-group-rebalancer.ts'
import { groupMetadataRecord } from './classic-group-records.ts'
import { type ClassicGroupResult, NOTHING_TO_WRITE } from './classic-group-result.ts'

/**
 * SyncGroup of a classic group: held until the leader's has brought the assignment and this is written
 * (GroupMetadataManager.classicGroupSyncToClassicGroup).
 */
export function syncClassicGroup(
  rebalancer: ClassicGroupRebalancer,
  group: ClassicGroup,
  request: SyncGroupRequest,
  respond: (response: SyncGroupResponseInput) => void,
): ClassicGroupResult {
  const { memberId } = request
  const errorCode = validateSyncGroup(group, request)
  const member = group.member(memberId)
  if (errorCode !== ErrorCode.NONE || member === undefined) {
    respond(syncError(errorCode))
    return NOTHING_TO_WRITE
  }
  rebalancer.removePendingSyncMember(group, memberId)
  if (group.isInState('CompletingRebalance')) {
    member.awaitingSync = respond
    return group.isLeader(memberId) ? storeAssignment(rebalancer, group, request) : NOTHING_TO_WRITE
  }
  respond({
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType ?? null,
    protocolName: group.protocolName ?? null,
    assignment: member.assignment,
  })
  return NOTHING_TO_WRITE
}

/** Writes what the leader has assigned; once it is written the group is stable. Members it has left out get nothing. */
function storeAssignment(
  rebalancer: ClassicGroupRebalancer,
  group: ClassicGroup,
  request: SyncGroupRequest,
): ClassicGroupResult {
  const assignments = new Map(group.members.map(({ memberId }) => [memberId, EMPTY_ASSIGNMENT]))
  // Copied: they are views of the request's frame.
  for (const { memberId, assignment } of request.assignments) assignments.set(memberId, Buffer.from(assignment))
  return {
    records: [groupMetadataRecord(group, assignments)],
    response: undefined,
    replayRecords: false,
    onAppended: error => {
      // Another rebalance may have begun meanwhile; it has answered those who waited.
      if (!group.isInState('CompletingRebalance') || group.generationId !== request.generationId) return
      if (error === undefined) {
        rebalancer.setAndPropagateAssignment(group, assignments)
        group.transitionTo('Stable')
      } else {
        rebalancer.resetAndPropagateAssignment(group, appendErrorToResponseError(error))
        rebalancer.maybePrepareRebalanceOrCompleteJoin(group)
      }
    },
  }
}

function validateSyncGroup(group: ClassicGroup, request: SyncGroupRequest): ErrorCode {
  if (group.isInState('Dead')) return ErrorCode.COORDINATOR_NOT_AVAILABLE
  try {
    group.validateMember(request.memberId, request.groupInstanceId)
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  if (differ(request.protocolType, group.protocolType) || differ(request.protocolName, group.protocolName)) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.isInState('PreparingRebalance') ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

/** Whether both are known and not the same (KIP-559). */
function differ(requested: string | null, actual: string | undefined): boolean {
  return requested !== null && actual !== undefined && requested !== actual
}
