import type { JoinGroupRequest, JoinGroupResponseInput } from '../../../protocol/apis/join-group.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { RandomStream } from '../../../runtime/runtime.ts'
import type { ClassicGroup } from './classic-group.ts'
import { joinAnswer, joinError, UNKNOWN_MEMBER_ID } from './classic-group-answers.ts'
import { ClassicGroupMember } from './classic-group-member.ts'
import type { ClassicGroupEnvironment, ClassicGroupRebalancer } from './classic-group-rebalancer.ts'
import { type ClassicGroupResult, NOTHING_TO_WRITE } from './classic-group-result.ts'
import { generateMemberId } from './member-id.ts'
import { replaceStaticMember } from './static-member-replacement.ts'

/** Where a request came from. */
export interface GroupRequestContext {
  readonly clientId: string
  /** The client's address as Kafka writes it: `/127.0.0.1`. */
  readonly clientHost: string
  /** The version of the request. */
  readonly apiVersion: number
}

/** A JoinGroup on its way. */
export interface Joining {
  readonly context: GroupRequestContext
  readonly request: JoinGroupRequest
  /** Gives the answer. Only the first counts. */
  readonly respond: (response: JoinGroupResponseInput) => void
}

/** JoinGroup of a classic group (GroupMetadataManager.classicGroupJoinToClassicGroup). */
export class ClassicGroupJoiner {
  readonly #environment: ClassicGroupEnvironment
  readonly #rebalancer: ClassicGroupRebalancer
  readonly #random: RandomStream

  constructor(environment: ClassicGroupEnvironment, rebalancer: ClassicGroupRebalancer, random: RandomStream) {
    this.#environment = environment
    this.#rebalancer = rebalancer
    this.#random = random
  }

  join(group: ClassicGroup, joining: Joining): ClassicGroupResult {
    const { request, respond } = joining
    const { memberId } = request
    if (!this.#acceptsJoiningMember(group, memberId)) {
      group.remove(memberId)
      return answer(respond, joinError(ErrorCode.GROUP_MAX_SIZE_REACHED))
    }
    // The group was just removed here or has moved: the member is to look for the coordinator again.
    if (group.isInState('Dead')) return answer(respond, joinError(ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId))
    if (!group.supportsProtocols(request.protocolType, request.protocols)) {
      return answer(respond, joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId))
    }
    return memberId === UNKNOWN_MEMBER_ID ? this.#joinNewMember(group, joining) : this.#joinKnownMember(group, joining)
  }

  /** Whether there is room. A group may be over its limit, which can be lowered; then the last to join again are out. */
  #acceptsJoiningMember(group: ClassicGroup, memberId: string): boolean {
    const { classicGroupMaxSize } = this.#environment.config
    if (group.isInState('Empty', 'Dead')) return true
    if (group.isInState('PreparingRebalance')) {
      return group.member(memberId)?.isAwaitingJoin === true || group.numAwaitingJoinResponse < classicGroupMaxSize
    }
    return group.hasMember(memberId) || group.numMembers < classicGroupMaxSize
  }

  #joinNewMember(group: ClassicGroup, joining: Joining): ClassicGroupResult {
    const { context, request, respond } = joining
    const { groupInstanceId } = request
    const newMemberId = generateMemberId(this.#random, context.clientId, groupInstanceId)
    if (groupInstanceId !== null) {
      const oldMemberId = group.staticMemberId(groupInstanceId)
      if (oldMemberId === undefined) return this.#addMember(group, joining, newMemberId)
      return replaceStaticMember(this.#rebalancer, group, joining, { groupInstanceId, oldMemberId, newMemberId })
    }
    if (!requiresKnownMemberId(context.apiVersion)) return this.#addMember(group, joining, newMemberId)
    group.addPendingMember(newMemberId)
    this.#rebalancer.scheduleHeartbeat(group.groupId, newMemberId, request.sessionTimeoutMs)
    return answer(respond, joinError(ErrorCode.MEMBER_ID_REQUIRED, newMemberId))
  }

  #joinKnownMember(group: ClassicGroup, joining: Joining): ClassicGroupResult {
    const { request, respond } = joining
    const { memberId, groupInstanceId } = request
    if (group.isPendingMember(memberId)) {
      if (groupInstanceId !== null) {
        throw new Error(`member ${memberId} was told to join as a dynamic one, but calls itself ${groupInstanceId}`)
      }
      return this.#addMember(group, joining, memberId)
    }
    try {
      group.validateMember(memberId, groupInstanceId)
    } catch (error) {
      if (error instanceof ApiError) return answer(respond, joinError(error.code, memberId))
      throw error
    }
    const member = group.member(memberId)
    // Members of a group that has none any more are to begin anew.
    if (member === undefined || group.isEmpty) return answer(respond, joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId))
    if (this.#mustRebalance(group, member, request)) {
      group.updateMember(member, updateOf(request), respond)
      return this.#rebalancer.maybePrepareRebalanceOrCompleteJoin(group)
    }
    return answer(respond, joinAnswer(group, memberId))
  }

  /**
   * Whether a member who joins again begins or joins a rebalance; else it is told of the generation that it is in. The
   * leader of a stable group may want to assign anew because topics have changed, which no member's metadata tells.
   */
  #mustRebalance(group: ClassicGroup, member: ClassicGroupMember, request: JoinGroupRequest): boolean {
    if (group.isInState('PreparingRebalance') || !member.matches(request.protocols)) return true
    return group.isInState('Stable') && group.isLeader(member.memberId)
  }

  #addMember(group: ClassicGroup, { context, request, respond }: Joining, memberId: string): ClassicGroupResult {
    const member = new ClassicGroupMember({
      memberId,
      groupInstanceId: request.groupInstanceId ?? undefined,
      clientId: context.clientId,
      clientHost: context.clientHost,
      protocolType: request.protocolType,
      ...updateOf(request),
    })
    member.isNew = true
    if (group.isInState('PreparingRebalance') && group.previousState === 'Empty') group.newMemberAdded = true
    group.add(member, respond)
    // It does not know its id, so it can neither send heartbeats nor, should it be gone, be told from one that waits: its
    // channel is muted. Without a limit those who ask again would leave behind ever more members.
    this.#rebalancer.rescheduleHeartbeat(group, member, this.#environment.config.classicGroupNewMemberJoinTimeoutMs)
    return this.#rebalancer.maybePrepareRebalanceOrCompleteJoin(group)
  }
}

/** From this version of JoinGroup on a member must join with an id that it was given before (KIP-394). */
export function requiresKnownMemberId(apiVersion: number): boolean {
  return apiVersion >= 4
}

function updateOf(request: JoinGroupRequest) {
  const { protocols, rebalanceTimeoutMs, sessionTimeoutMs } = request
  return { supportedProtocols: protocols, rebalanceTimeoutMs, sessionTimeoutMs }
}

function answer(respond: Joining['respond'], response: JoinGroupResponseInput): ClassicGroupResult {
  respond(response)
  return NOTHING_TO_WRITE
}
