import { ErrorCode } from '../../../protocol/errors.ts'
import type { CoordinatorTimer } from '../../common/coordinator-timer.ts'
import type { GroupCoordinatorConfig } from '../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import type { ClassicGroup } from './classic-group.ts'
import { joinAnswer, joinError } from './classic-group-answers.ts'
import { type ClassicGroupMember, EMPTY_ASSIGNMENT } from './classic-group-member.ts'
import { groupMetadataRecord } from './classic-group-records.ts'
import { type ClassicGroupResult, NOTHING_TO_WRITE } from './classic-group-result.ts'

/** What the classic protocol's parts share. */
export interface ClassicGroupEnvironment {
  readonly config: GroupCoordinatorConfig
  readonly timer: CoordinatorTimer<GroupCoordinatorRecord>
  /** The group of this id if there is one and it is a classic one. */
  classicGroup(groupId: string): ClassicGroup | undefined
}

/**
 * Leads classic groups from one generation to the next: waits until the members have joined, then until they have synced, and
 * takes out who does neither in time or sends no heartbeats. Each group has at most one timer for its phase and each of its
 * members, joined or pending, one for its heartbeats.
 */
export class ClassicGroupRebalancer {
  readonly #environment: ClassicGroupEnvironment

  constructor(environment: ClassicGroupEnvironment) {
    this.#environment = environment
  }

  /** Begins a rebalance, or goes on with the one that is on its way. */
  maybePrepareRebalanceOrCompleteJoin(group: ClassicGroup): ClassicGroupResult {
    return group.canRebalance ? this.prepareRebalance(group) : this.maybeCompleteJoinPhase(group)
  }

  /** Ends the join phase if all have joined; a group that waits for its first members waits on. */
  maybeCompleteJoinPhase(group: ClassicGroup): ClassicGroupResult {
    if (!group.isInState('PreparingRebalance')) return NOTHING_TO_WRITE
    if (group.previousState === 'Empty' || !group.hasAllMembersJoined) return NOTHING_TO_WRITE
    return this.#completeJoinPhase(group)
  }

  /** Begins a rebalance: all members are to join again. */
  prepareRebalance(group: ClassicGroup): ClassicGroupResult {
    const { config, timer } = this.#environment
    if (group.isInState('CompletingRebalance')) {
      this.resetAndPropagateAssignment(group, ErrorCode.REBALANCE_IN_PROGRESS)
    }
    group.clearPendingSyncMembers()
    timer.cancel(syncKey(group.groupId))

    const isInitialRebalance = group.isEmpty
    group.transitionTo('PreparingRebalance')
    if (!isInitialRebalance) return this.#completeJoinPhaseElseSchedule(group)
    const delayMs = config.classicGroupInitialRebalanceDelayMs
    this.#scheduleInitialRebalance(group.groupId, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0))
    return NOTHING_TO_WRITE
  }

  /** The member lives: it may be silent for so long from now on. Default: its session timeout. */
  rescheduleHeartbeat(
    group: ClassicGroup,
    member: ClassicGroupMember,
    timeoutMs: number = member.sessionTimeoutMs,
  ): void {
    this.scheduleHeartbeat(group.groupId, member.memberId, timeoutMs)
  }

  /** The same for whoever has the id and has not yet joined with it. */
  scheduleHeartbeat(groupId: string, memberId: string, timeoutMs: number): void {
    const { timer } = this.#environment
    timer.schedule(heartbeatKey(groupId, memberId), timeoutMs, () => this.#expireHeartbeat(groupId, memberId))
  }

  cancelHeartbeat(groupId: string, memberId: string): void {
    this.#environment.timer.cancel(heartbeatKey(groupId, memberId))
  }

  /** The member has synced. The group waits no longer when all have. */
  removePendingSyncMember(group: ClassicGroup, memberId: string): void {
    group.removePendingSyncMember(memberId)
    if (group.pendingSyncMembers.length === 0) this.#environment.timer.cancel(syncKey(group.groupId))
  }

  /** Gives every member its assignment and answers those who wait for it. Who has none gets an empty one. */
  setAndPropagateAssignment(group: ClassicGroup, assignments: ReadonlyMap<string, Buffer>): void {
    for (const member of group.members) member.assignment = assignments.get(member.memberId) ?? EMPTY_ASSIGNMENT
    this.#propagateAssignment(group, ErrorCode.NONE)
  }

  /** Takes the assignments away and answers those who wait for one with an error. */
  resetAndPropagateAssignment(group: ClassicGroup, errorCode: ErrorCode): void {
    for (const member of group.members) member.assignment = EMPTY_ASSIGNMENT
    this.#propagateAssignment(group, errorCode)
  }

  #propagateAssignment(group: ClassicGroup, errorCode: ErrorCode): void {
    const failed = errorCode !== ErrorCode.NONE
    for (const member of group.members) {
      const waited = group.completeSync(member, {
        errorCode,
        protocolType: failed ? null : (group.protocolType ?? null),
        protocolName: failed ? null : (group.protocolName ?? null),
        assignment: member.assignment,
      })
      // Its session may have ended while it waited, which then counted for nothing and set no further timer.
      if (waited) this.rescheduleHeartbeat(group, member)
    }
  }

  #completeJoinPhaseElseSchedule(group: ClassicGroup): ClassicGroupResult {
    if (group.hasAllMembersJoined) return this.#completeJoinPhase(group)
    this.#scheduleJoinPhaseEnd(group)
    return NOTHING_TO_WRITE
  }

  #scheduleJoinPhaseEnd({ groupId, rebalanceTimeoutMs }: ClassicGroup): void {
    this.#environment.timer.schedule(joinKey(groupId), rebalanceTimeoutMs, () => this.#expireJoinPhase(groupId))
  }

  #expireJoinPhase(groupId: string): ClassicGroupResult {
    const group = this.#preparingGroup(groupId)
    return group === undefined ? NOTHING_TO_WRITE : this.#completeJoinPhase(group)
  }

  /**
   * The group whose timer has ended. A new group that could not be written leaves its timer behind, which may find another
   * group of its name; there Kafka fails, for an empty group cannot become empty.
   */
  #preparingGroup(groupId: string): ClassicGroup | undefined {
    const group = this.#environment.classicGroup(groupId)
    return group?.isInState('PreparingRebalance') === true ? group : undefined
  }

  /** A new group waits for more members as long as some came during the last delay, up to their rebalance timeout. */
  #scheduleInitialRebalance(groupId: string, delayMs: number, remainingMs: number): void {
    this.#environment.timer.schedule(joinKey(groupId), delayMs, () => {
      const group = this.#preparingGroup(groupId)
      if (group === undefined) return NOTHING_TO_WRITE
      if (!group.newMemberAdded || remainingMs === 0) return this.#completeJoinPhase(group)
      group.newMemberAdded = false
      const nextDelayMs = Math.min(this.#environment.config.classicGroupInitialRebalanceDelayMs, remainingMs)
      this.#scheduleInitialRebalance(groupId, nextDelayMs, Math.max(remainingMs - delayMs, 0))
      return NOTHING_TO_WRITE
    })
  }

  /**
   * Ends the join phase: dynamic members who have not joined are out, the others are in the next generation. When only
   * static members are left and none of them has joined, it waits on, until their sessions end.
   */
  #completeJoinPhase(group: ClassicGroup): ClassicGroupResult {
    this.#environment.timer.cancel(joinKey(group.groupId))
    for (const member of group.members) {
      if (member.isAwaitingJoin || member.isStaticMember) continue
      group.remove(member.memberId)
      this.cancelHeartbeat(group.groupId, member.memberId)
    }
    if (!group.maybeElectNewJoinedLeader() && group.numMembers > 0) {
      this.#scheduleJoinPhaseEnd(group)
      return NOTHING_TO_WRITE
    }
    group.initNextGeneration()
    // Nothing is done should the write fail: the generation before, which is then read back after a failover, has no
    // members that live.
    if (group.isEmpty)
      return { records: [groupMetadataRecord(group, new Map())], response: undefined, replayRecords: false }
    this.#answerJoins(group)
    return NOTHING_TO_WRITE
  }

  #answerJoins(group: ClassicGroup): void {
    for (const member of group.members) {
      group.completeJoin(member, joinAnswer(group, member.memberId))
      this.rescheduleHeartbeat(group, member)
      member.isNew = false
      group.addPendingSyncMember(member.memberId)
    }
    const { groupId, generationId, rebalanceTimeoutMs } = group
    this.#environment.timer.schedule(syncKey(groupId), rebalanceTimeoutMs, () =>
      this.#expirePendingSync(groupId, generationId),
    )
  }

  /** Who has not synced in time is out, and the others rebalance. */
  #expirePendingSync(groupId: string, generationId: number): ClassicGroupResult {
    const group = this.#environment.classicGroup(groupId)
    if (group === undefined || group.generationId !== generationId) return NOTHING_TO_WRITE
    if (!group.isInState('CompletingRebalance', 'Stable')) return NOTHING_TO_WRITE
    const pending = group.pendingSyncMembers
    if (pending.length === 0) return NOTHING_TO_WRITE
    for (const memberId of pending) {
      group.remove(memberId)
      this.cancelHeartbeat(groupId, memberId)
    }
    return this.prepareRebalance(group)
  }

  #expireHeartbeat(groupId: string, memberId: string): ClassicGroupResult {
    const group = this.#environment.classicGroup(groupId)
    if (group === undefined || group.isInState('Dead')) return NOTHING_TO_WRITE
    if (group.isPendingMember(memberId)) {
      group.remove(memberId)
      return this.#completeJoinPhaseOfRemaining(group)
    }
    const member = group.member(memberId)
    if (member === undefined || member.hasSatisfiedHeartbeat) return NOTHING_TO_WRITE
    this.removeMember(group, member)
    if (group.isInState('Stable', 'CompletingRebalance')) return this.maybePrepareRebalanceOrCompleteJoin(group)
    return this.#completeJoinPhaseOfRemaining(group)
  }

  /** Takes out a member. If it waits to join, and lives, it is to begin anew. */
  removeMember(group: ClassicGroup, member: ClassicGroupMember): void {
    group.completeJoin(member, joinError(ErrorCode.UNKNOWN_MEMBER_ID))
    group.remove(member.memberId)
  }

  #completeJoinPhaseOfRemaining(group: ClassicGroup): ClassicGroupResult {
    const done = group.isInState('PreparingRebalance') && group.hasAllMembersJoined
    return done ? this.#completeJoinPhase(group) : NOTHING_TO_WRITE
  }
}

function heartbeatKey(groupId: string, memberId: string): string {
  return `heartbeat-${groupId}-${memberId}`
}

function joinKey(groupId: string): string {
  return `join-${groupId}`
}

function syncKey(groupId: string): string {
  return `sync-${groupId}`
}
