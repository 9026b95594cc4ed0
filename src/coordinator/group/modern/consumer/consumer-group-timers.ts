import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'

/** Name of the timer of a member's session. */
export function sessionTimeoutKey(groupId: string, memberId: string): string {
  return `session-timeout-${groupId}-${memberId}`
}

/** Name of the timer for a member that is to give up partitions. */
export function rebalanceTimeoutKey(groupId: string, memberId: string): string {
  return `rebalance-timeout-${groupId}-${memberId}`
}

export function cancelMemberTimers(
  timer: CoordinatorTimer<GroupCoordinatorRecord>,
  groupId: string,
  memberId: string,
): void {
  timer.cancel(sessionTimeoutKey(groupId, memberId))
  timer.cancel(rebalanceTimeoutKey(groupId, memberId))
}
