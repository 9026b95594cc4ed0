import { ErrorCode, errorName } from '../../../../src/protocol/errors.ts'
import {
  GROUP,
  type GroupManagerUnderTest,
  type Held,
  type HeldJoin,
  type JoinOptions,
} from './group-manager-under-test.ts'

/** The name of the error that was answered; `held` when there is no answer yet. */
export function errorOf(held: Held<{ readonly errorCode: number }>): string {
  return held.response === undefined ? 'held' : errorName(held.response.errorCode)
}

/** What was answered. @throws when there is no answer yet */
export function answered<T>(held: Held<T>): T {
  if (held.response === undefined) throw new Error('the answer is still held')
  return held.response
}

/** Lets a dynamic member join, with the id that it is given first. */
export function joinWithId(
  coordinator: GroupManagerUnderTest,
  options: JoinOptions = {},
): HeldJoin & { memberId: string } {
  const { memberId, errorCode } = answered(coordinator.join(options))
  if (errorCode !== ErrorCode.MEMBER_ID_REQUIRED) throw new Error(`expected an id, not ${errorName(errorCode)}`)
  return Object.assign(coordinator.join({ ...options, memberId }), { memberId })
}

export interface FormedGroup {
  readonly generationId: number
  readonly leaderId: string
  /** Members in the order in which they joined; the first leads. */
  readonly memberIds: readonly string[]
}

/** Members of the group join one after the other; it is in CompletingRebalance then. One JoinOptions a member. */
export function completingGroup(coordinator: GroupManagerUnderTest, members: readonly JoinOptions[]): FormedGroup {
  const joins = members.map(options =>
    options.groupInstanceId == null ? joinWithId(coordinator, options) : coordinator.join(options),
  )
  coordinator.advance(coordinator.config.classicGroupInitialRebalanceDelayMs * 2)
  const responses = joins.map(answered)
  const [first] = responses
  if (first === undefined) throw new Error('a group of nobody')
  return {
    generationId: first.generationId ?? -1,
    leaderId: first.leader,
    memberIds: responses.map(({ memberId }) => memberId),
  }
}

/** The same, and they sync: every member's assignment is `<its id>'s`. */
export function stableGroup(coordinator: GroupManagerUnderTest, members: readonly JoinOptions[]): FormedGroup {
  const group = completingGroup(coordinator, members)
  syncAll(coordinator, group)
  return group
}

/** All members sync, the leader last. */
export function syncAll(coordinator: GroupManagerUnderTest, { generationId, leaderId, memberIds }: FormedGroup) {
  const assignments = Object.fromEntries(memberIds.map(memberId => [memberId, `${memberId}'s`]))
  const followers = memberIds.filter(memberId => memberId !== leaderId)
  const syncs = followers.map(memberId => coordinator.sync({ memberId, generationId }))
  return [...syncs, coordinator.sync({ memberId: leaderId, generationId, assignments })]
}

/** The state of the group, `none` when there is none. */
export function stateOf(coordinator: GroupManagerUnderTest): string {
  try {
    return coordinator.manager.classicGroup(GROUP).state
  } catch {
    return 'none'
  }
}
