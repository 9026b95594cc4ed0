import { answer, type CoordinatorResult } from '../../../common/coordinator-result.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { GroupCoordinatorConfig } from '../../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroupFencer } from './consumer-group-fencer.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import type { ConsumerGroups } from './consumer-groups.ts'

export interface ConsumerGroupTimersOptions {
  readonly timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly config: GroupCoordinatorConfig
  readonly groups: ConsumerGroups
  readonly fencer: ConsumerGroupFencer
}

/**
 * What ends a member of a consumer group that does not do what it should. A timer that finds its member or its group gone does
 * nothing, so none needs to be cancelled for records that may yet be undone.
 */
export class ConsumerGroupTimers {
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly #config: GroupCoordinatorConfig
  readonly #groups: ConsumerGroups
  readonly #fencer: ConsumerGroupFencer

  constructor({ timer, config, groups, fencer }: ConsumerGroupTimersOptions) {
    this.#timer = timer
    this.#config = config
    this.#groups = groups
    this.#fencer = fencer
  }

  /** The member may be silent for so long from now on. Default: as long as members of the consumer protocol. */
  scheduleSession(
    groupId: string,
    memberId: string,
    timeoutMs: number = this.#config.consumerGroupSessionTimeoutMs,
  ): void {
    this.#timer.schedule(sessionTimeoutKey(groupId, memberId), timeoutMs, () => this.#fence(groupId, memberId))
  }

  /** The member is to have left its epoch by then, having given up partitions. */
  scheduleRebalance(groupId: string, { memberId, memberEpoch, rebalanceTimeoutMs }: ConsumerGroupMember): void {
    this.#timer.schedule(rebalanceTimeoutKey(groupId, memberId), rebalanceTimeoutMs, () =>
      this.#fence(groupId, memberId, member => member.memberEpoch === memberEpoch),
    )
  }

  cancelRebalance(groupId: string, memberId: string): void {
    this.#timer.cancel(rebalanceTimeoutKey(groupId, memberId))
  }

  /** A member of the classic protocol was told to join again, if not before this then now. */
  scheduleJoinIfAbsent(groupId: string, { memberId, rebalanceTimeoutMs }: ConsumerGroupMember): void {
    this.#timer.scheduleIfAbsent(joinTimeoutKey(groupId, memberId), rebalanceTimeoutMs, () =>
      this.#fence(groupId, memberId),
    )
  }

  cancelJoin(groupId: string, memberId: string): void {
    this.#timer.cancel(joinTimeoutKey(groupId, memberId))
  }

  /** A member of the classic protocol has joined and is to sync. */
  scheduleSync(groupId: string, memberId: string, timeoutMs: number): void {
    this.#timer.schedule(syncTimeoutKey(groupId, memberId), timeoutMs, () => this.#fence(groupId, memberId))
  }

  cancelSync(groupId: string, memberId: string): void {
    this.#timer.cancel(syncTimeoutKey(groupId, memberId))
  }

  #fence(
    groupId: string,
    memberId: string,
    isDue: (member: ConsumerGroupMember) => boolean = () => true,
  ): CoordinatorResult<void, GroupCoordinatorRecord> {
    const group = this.#groups.find(groupId)
    if (group?.hasMember(memberId) !== true) return answer(undefined)
    const member = group.member(memberId)
    return isDue(member) ? this.#fencer.fence(group, [member], undefined) : answer(undefined)
  }
}

/** Cancels all timers of a member. */
export function cancelMemberTimers(
  timer: CoordinatorTimer<GroupCoordinatorRecord>,
  groupId: string,
  memberId: string,
): void {
  for (const keyOf of [sessionTimeoutKey, rebalanceTimeoutKey, joinTimeoutKey, syncTimeoutKey]) {
    timer.cancel(keyOf(groupId, memberId))
  }
}

function sessionTimeoutKey(groupId: string, memberId: string): string {
  return `session-timeout-${groupId}-${memberId}`
}

function rebalanceTimeoutKey(groupId: string, memberId: string): string {
  return `rebalance-timeout-${groupId}-${memberId}`
}

function joinTimeoutKey(groupId: string, memberId: string): string {
  return `join-timeout-${groupId}-${memberId}`
}

function syncTimeoutKey(groupId: string, memberId: string): string {
  return `sync-timeout-${groupId}-${memberId}`
}
