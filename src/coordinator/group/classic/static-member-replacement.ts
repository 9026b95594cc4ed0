import type { ClassicGroup } from './classic-group.ts'
import { appendErrorToResponseError, joinAnswer } from './classic-group-answers.ts'
import type { Joining } from './classic-group-joiner.ts'
import type { ClassicGroupMember } from './classic-group-member.ts'
import type { ClassicGroupRebalancer } from './classic-group-rebalancer.ts'
import { groupMetadataRecord } from './classic-group-records.ts'
import type { ClassicGroupResult } from './classic-group-result.ts'

export interface StaticMemberIds {
  readonly groupInstanceId: string
  readonly oldMemberId: string
  readonly newMemberId: string
}

/**
 * A static member that has lost its id, as after a restart, comes back and gets a new one (KIP-345). In a stable group it
 * takes the assignment it had, and nobody rebalances, unless the group would now choose another protocol. Whoever still uses
 * the old id is fenced (GroupMetadataManager.updateStaticMemberThenRebalanceOrCompleteJoin).
 */
export function replaceStaticMember(
  rebalancer: ClassicGroupRebalancer,
  group: ClassicGroup,
  joining: Joining,
  ids: StaticMemberIds,
): ClassicGroupResult {
  const { request, respond } = joining
  const oldLeaderId = group.leaderId
  const member = group.replaceStaticMember(ids.groupInstanceId, ids.oldMemberId, ids.newMemberId)
  // The timer of the old id finds no member when it ends.
  rebalancer.rescheduleHeartbeat(group, member)
  const { supportedProtocols, rebalanceTimeoutMs, sessionTimeoutMs } = member
  const before = { supportedProtocols, rebalanceTimeoutMs, sessionTimeoutMs }
  group.updateMember(
    member,
    {
      supportedProtocols: request.protocols,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      sessionTimeoutMs: request.sessionTimeoutMs,
    },
    respond,
  )
  if (group.isInState('Stable') && group.protocolName === group.selectProtocol()) {
    const assignments = new Map(group.members.map(({ memberId, assignment }) => [memberId, assignment]))
    return {
      records: [groupMetadataRecord(group, assignments)],
      response: undefined,
      replayRecords: false,
      onAppended: error => {
        if (error === undefined) answerReplaced(group, member, joining, oldLeaderId)
        else undo(error)
      },
    }
  }
  // The leader may have been told of the old id already, and would assign nothing to the new one.
  if (group.isInState('Stable', 'CompletingRebalance')) return rebalancer.prepareRebalance(group)
  if (!group.isInState('PreparingRebalance'))
    throw new Error(`group ${group.groupId} in state ${group.state} has members`)
  return rebalancer.maybeCompleteJoinPhase(group)

  function undo(error: Error): void {
    // A still newer member may have taken the name meanwhile.
    if (group.member(ids.newMemberId) === member) {
      group.updateMember(member, before, undefined)
      const old = group.replaceStaticMember(ids.groupInstanceId, ids.newMemberId, ids.oldMemberId)
      rebalancer.rescheduleHeartbeat(group, old)
    }
    respond({
      ...joinAnswer(group, ids.newMemberId),
      errorCode: appendErrorToResponseError(error),
      memberId: '',
      leader: oldLeaderId ?? '',
      members: [],
    })
  }
}

/**
 * Tells the member of the generation that it came back to. A leader is told of the members too, and to leave the assignment
 * as it is (KIP-814); an older client cannot be told so, and is told instead that somebody else leads.
 */
function answerReplaced(
  group: ClassicGroup,
  member: ClassicGroupMember,
  { context }: Joining,
  oldLeaderId: string | undefined,
): void {
  if (context.apiVersion < 9) {
    const response = { ...joinAnswer(group, member.memberId), leader: oldLeaderId ?? '', members: [] }
    group.completeJoin(member, response)
    return
  }
  const isLeader = group.isLeader(member.memberId)
  // Should the group be rebalancing again, the leader waits with the others for the next generation.
  if (isLeader && group.isInState('PreparingRebalance', 'Dead')) return
  group.completeJoin(member, { ...joinAnswer(group, member.memberId), skipAssignment: isLeader })
}
