import type { JoinGroupResponseInput } from '../../../protocol/apis/join-group.ts'
import type { SyncGroupResponseInput } from '../../../protocol/apis/sync-group.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../../../protocol/consumer-protocol.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import type { Clock } from '../../../runtime/runtime.ts'
import {
  COMMIT_ANY_PARTITION,
  type CommitPartitionValidator,
  type Group,
  type ListedGroup,
  type OffsetCommitter,
} from '../group.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import type { OffsetExpirationCondition } from '../offset-expiration-condition.ts'
import { joinError } from './classic-group-answers.ts'
import { type ClassicGroupMember, EMPTY_ASSIGNMENT, type JoinGroupProtocol } from './classic-group-member.ts'
import { offsetExpirationCondition, validateOffsetCommit } from './classic-group-offsets.ts'
import { groupMetadataTombstone } from './classic-group-records.ts'
import { type ClassicGroupState, validPreviousStates } from './classic-group-state.ts'
import { computeSubscribedTopics } from './subscribed-topics.ts'
import { protocolNames, SupportedProtocols } from './supported-protocols.ts'

export interface ClassicGroupOptions {
  readonly groupId: string
  readonly state: ClassicGroupState
  /** Default 0. */
  readonly generationId?: number
  /** Undefined: of no type yet, or a group that only keeps offsets. */
  readonly protocolType?: string | undefined
  readonly protocolName?: string | undefined
  /** The leader's member id. */
  readonly leaderId?: string | undefined
  /** Since when it is in its state, wall-clock milliseconds; undefined: not known. Default: now. */
  readonly currentStateTimestamp?: number | undefined
}

/**
 * A group whose members work out the assignment themselves: one of them, the leader, does it for all (Kafka's ClassicGroup).
 * Its state lives in memory; what is written of it is the outcome of each rebalance. Members are in the order in which they
 * came.
 */
export class ClassicGroup implements Group {
  readonly type = 'classic'
  readonly groupId: string
  readonly shouldExpire = true
  /** Whether a member came while a new group waits for its first members, which makes it wait longer. */
  newMemberAdded = false
  /** The topics that the members read; undefined: not known. */
  subscribedTopics: ReadonlySet<string> | undefined
  readonly #clock: Clock
  #state: ClassicGroupState
  #previousState: ClassicGroupState = 'Dead'
  #currentStateTimestamp: number | undefined
  #generationId: number
  #protocolType: string | undefined
  #protocolName: string | undefined
  #leaderId: string | undefined
  readonly #members = new Map<string, ClassicGroupMember>()
  /** Member ids by group instance id. */
  readonly #staticMembers = new Map<string, string>()
  /** Ids that were given out to members who have not yet joined with them. */
  readonly #pendingJoinMembers = new Set<string>()
  /** Members of this generation who have not yet sent their SyncGroup. */
  readonly #pendingSyncMembers = new Set<string>()
  readonly #supportedProtocols = new SupportedProtocols()

  constructor(clock: Clock, options: ClassicGroupOptions) {
    this.#clock = clock
    this.groupId = options.groupId
    this.#state = options.state
    this.#generationId = options.generationId ?? 0
    this.#protocolType = options.protocolType
    this.#protocolName = options.protocolName
    this.#leaderId = options.leaderId
    this.#currentStateTimestamp = 'currentStateTimestamp' in options ? options.currentStateTimestamp : clock.wallMs()
  }

  get state(): ClassicGroupState {
    return this.#state
  }

  get previousState(): ClassicGroupState {
    return this.#previousState
  }

  get generationId(): number {
    return this.#generationId
  }

  get protocolType(): string | undefined {
    return this.#protocolType
  }

  get protocolName(): string | undefined {
    return this.#protocolName
  }

  get leaderId(): string | undefined {
    return this.#leaderId
  }

  get currentStateTimestamp(): number | undefined {
    return this.#currentStateTimestamp
  }

  get isEmpty(): boolean {
    return this.#state === 'Empty'
  }

  /** Whether the group has only ever kept offsets. */
  get isSimpleGroup(): boolean {
    return this.#protocolType === undefined && this.isEmpty && this.#pendingJoinMembers.size === 0
  }

  get usesConsumerGroupProtocol(): boolean {
    return this.#protocolType === CONSUMER_PROTOCOL_TYPE
  }

  get members(): readonly ClassicGroupMember[] {
    return [...this.#members.values()]
  }

  get numMembers(): number {
    return this.#members.size
  }

  get numAwaitingJoinResponse(): number {
    let awaiting = 0
    for (const member of this.#members.values()) if (member.isAwaitingJoin) awaiting += 1
    return awaiting
  }

  get numPendingJoinMembers(): number {
    return this.#pendingJoinMembers.size
  }

  get hasAllMembersJoined(): boolean {
    return this.#pendingJoinMembers.size === 0 && this.numAwaitingJoinResponse === this.#members.size
  }

  /** Ids of the members who have not yet sent their SyncGroup. */
  get pendingSyncMembers(): readonly string[] {
    return [...this.#pendingSyncMembers]
  }

  /** The longest that any of the members asks for. */
  get rebalanceTimeoutMs(): number {
    return this.members.reduce((most, member) => Math.max(most, member.rebalanceTimeoutMs), 0)
  }

  /** Whether a rebalance may begin now. */
  get canRebalance(): boolean {
    return validPreviousStates('PreparingRebalance').has(this.#state)
  }

  stateAsString(): string {
    return this.#state
  }

  isInState(...states: readonly ClassicGroupState[]): boolean {
    return states.includes(this.#state)
  }

  isInStates(lowerCaseStates: ReadonlySet<string>): boolean {
    return lowerCaseStates.has(this.#state.toLowerCase())
  }

  asListedGroup(): ListedGroup {
    return {
      groupId: this.groupId,
      protocolType: this.#protocolType ?? '',
      groupState: this.#state,
      groupType: this.type,
    }
  }

  hasMember(memberId: string): boolean {
    return this.#members.has(memberId)
  }

  member(memberId: string): ClassicGroupMember | undefined {
    return this.#members.get(memberId)
  }

  isLeader(memberId: string): boolean {
    return this.#leaderId === memberId
  }

  hasStaticMember(groupInstanceId: string): boolean {
    return this.#staticMembers.has(groupInstanceId)
  }

  /** The id of the static member of this name. */
  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#staticMembers.get(groupInstanceId)
  }

  /** Whether the id was given to a member who has not yet joined with it. */
  isPendingMember(memberId: string): boolean {
    return this.#pendingJoinMembers.has(memberId)
  }

  /** The id is given to a member, who is to join with it. */
  addPendingMember(memberId: string): void {
    if (this.hasMember(memberId)) throw new Error(`${memberId} is a member of group ${this.groupId} already`)
    this.#pendingJoinMembers.add(memberId)
  }

  /** The member is to send its SyncGroup. */
  addPendingSyncMember(memberId: string): void {
    if (!this.hasMember(memberId)) throw new Error(`${memberId} is no member of group ${this.groupId}`)
    this.#pendingSyncMembers.add(memberId)
  }

  removePendingSyncMember(memberId: string): void {
    this.#pendingSyncMembers.delete(memberId)
  }

  clearPendingSyncMembers(): void {
    this.#pendingSyncMembers.clear()
  }

  /**
   * Whether a member with one of these protocols can be in the group: of the group's type, and with a protocol that all
   * members offer. Any protocol at all will do for a group without members.
   */
  supportsProtocols(protocolType: string, protocols: readonly JoinGroupProtocol[]): boolean {
    if (this.isEmpty) return protocolType !== '' && protocols.length > 0
    const candidates = this.#supportedProtocols.candidates(this.#members.size)
    return this.#protocolType === protocolType && [...protocolNames(protocols)].some(name => candidates.has(name))
  }

  /** The protocol that the members would choose now. @throws RangeError when there are no members */
  selectProtocol(): string {
    return this.#supportedProtocols.select(this.members)
  }

  /** Adds a member; the first is the leader. `respond` answers the JoinGroup by which it came, undefined: it came from the log. */
  add(member: ClassicGroupMember, respond?: (response: JoinGroupResponseInput) => void): void {
    const { memberId, groupInstanceId, protocolType, supportedProtocols } = member
    if (groupInstanceId !== undefined) {
      if (this.hasStaticMember(groupInstanceId)) {
        throw new Error(`static member ${groupInstanceId} is in group ${this.groupId} already`)
      }
      this.#staticMembers.set(groupInstanceId, memberId)
    }
    if (this.#members.size === 0) this.#protocolType = protocolType
    if (this.#members.size > 0 && !this.supportsProtocols(protocolType, supportedProtocols)) {
      throw new Error(`group ${this.groupId} supports none of the protocols of member ${memberId}`)
    }
    this.#leaderId ??= memberId
    this.#members.set(memberId, member)
    this.#supportedProtocols.add(supportedProtocols)
    member.awaitingJoin = respond
    this.#pendingJoinMembers.delete(memberId)
  }

  /** Takes a member out, joined or pending; the next in order leads when it was the leader. */
  remove(memberId: string): void {
    const member = this.#members.get(memberId)
    if (member !== undefined) {
      this.#members.delete(memberId)
      this.#supportedProtocols.remove(member.supportedProtocols)
      if (member.groupInstanceId !== undefined) this.#staticMembers.delete(member.groupInstanceId)
    }
    if (this.isLeader(memberId)) this.#leaderId = this.members[0]?.memberId
    this.#pendingJoinMembers.delete(memberId)
    this.#pendingSyncMembers.delete(memberId)
  }

  /** Takes what a JoinGroup says of a member. `respond` answers it; undefined: none is held any more. */
  updateMember(
    member: ClassicGroupMember,
    update: Pick<ClassicGroupMember, 'supportedProtocols' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs'>,
    respond: ((response: JoinGroupResponseInput) => void) | undefined,
  ): void {
    this.#supportedProtocols.remove(member.supportedProtocols)
    member.supportedProtocols = update.supportedProtocols
    this.#supportedProtocols.add(member.supportedProtocols)
    member.rebalanceTimeoutMs = update.rebalanceTimeoutMs
    member.sessionTimeoutMs = update.sessionTimeoutMs
    member.awaitingJoin = respond
  }

  /**
   * Puts a new member id in the place of a static member's, everything else as it was. Whoever still waits with the old id
   * is fenced at once. @throws RangeError when the old member is not there
   */
  replaceStaticMember(groupInstanceId: string, oldMemberId: string, newMemberId: string): ClassicGroupMember {
    const removed = this.#members.get(oldMemberId)
    if (removed === undefined) throw new RangeError(`group ${this.groupId} has no member ${oldMemberId} to replace`)
    this.#members.delete(oldMemberId)
    this.completeJoin(removed, joinError(ErrorCode.FENCED_INSTANCE_ID, oldMemberId))
    this.completeSync(removed, { errorCode: ErrorCode.FENCED_INSTANCE_ID, assignment: EMPTY_ASSIGNMENT })
    const replacement = removed.withId(newMemberId)
    this.#members.set(newMemberId, replacement)
    if (this.isLeader(oldMemberId)) this.#leaderId = newMemberId
    this.#staticMembers.set(groupInstanceId, newMemberId)
    return replacement
  }

  /**
   * Makes the first of the members who have joined the leader, unless the leader has joined. Returns false when there is
   * nobody to lead.
   */
  maybeElectNewJoinedLeader(): boolean {
    if (this.#leaderId === undefined) return false
    if (this.member(this.#leaderId)?.isAwaitingJoin === true) return true
    const joined = this.members.find(member => member.isAwaitingJoin)
    if (joined === undefined) return false
    this.#leaderId = joined.memberId
    return true
  }

  /** Begins the next generation, with the members who are there; `Empty` when there are none. */
  initNextGeneration(): void {
    this.#generationId += 1
    this.#protocolName = this.#members.size > 0 ? this.selectProtocol() : undefined
    this.subscribedTopics = computeSubscribedTopics(this)
    this.transitionTo(this.#members.size > 0 ? 'CompletingRebalance' : 'Empty')
    this.clearPendingSyncMembers()
  }

  /** @throws Error when the group cannot come there from its state */
  transitionTo(state: ClassicGroupState): void {
    if (!validPreviousStates(state).has(this.#state)) {
      throw new Error(`group ${this.groupId} cannot become ${state}, it is ${this.#state}`)
    }
    this.#previousState = this.#state
    this.#state = state
    this.#currentStateTimestamp = this.#clock.wallMs()
  }

  /** What the leader is told of the members. */
  currentMembers(): NonNullable<JoinGroupResponseInput['members']> {
    const { protocolName } = this
    if (protocolName === undefined) throw new Error(`group ${this.groupId} has no protocol in state ${this.#state}`)
    return this.members.map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId ?? null,
      metadata: member.metadata(protocolName),
    }))
  }

  /** Answers the JoinGroup that the member waits with. Returns false when it waits with none. */
  completeJoin(member: ClassicGroupMember, response: JoinGroupResponseInput): boolean {
    const respond = member.awaitingJoin
    member.awaitingJoin = undefined
    respond?.(response)
    return respond !== undefined
  }

  /** Answers the SyncGroup that the member waits with. Returns false when it waits with none. */
  completeSync(member: ClassicGroupMember, response: SyncGroupResponseInput): boolean {
    const respond = member.awaitingSync
    member.awaitingSync = undefined
    respond?.(response)
    return respond !== undefined
  }

  /** @throws ApiError when there is no such member, or the static member of this name has another id */
  validateMember(memberId: string, groupInstanceId: string | null): void {
    if (groupInstanceId !== null) {
      const existing = this.staticMemberId(groupInstanceId)
      if (existing === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
      if (existing !== memberId) throw new ApiError(ErrorCode.FENCED_INSTANCE_ID)
    }
    if (!this.hasMember(memberId)) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID)
  }

  validateOffsetCommit(committer: OffsetCommitter): CommitPartitionValidator {
    validateOffsetCommit(this, committer)
    return COMMIT_ANY_PARTITION
  }

  validateOffsetFetch(): void {
    this.#validateNotDead()
  }

  validateOffsetDelete(): void {
    this.#validateNotDead()
    if (!this.isEmpty && !this.usesConsumerGroupProtocol) throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
  }

  validateDeleteGroup(): void {
    this.#validateNotDead()
    if (!this.isEmpty) throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
  }

  /** Where the topics are not known, a group of consumers is taken to read all. */
  isSubscribedToTopic(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.usesConsumerGroupProtocol
  }

  createGroupTombstoneRecords(records: GroupCoordinatorRecord[]): void {
    records.push(groupMetadataTombstone(this.groupId))
  }

  /** It has none of its own to cancel: those of its members do nothing once the group is gone. */
  cancelTimers(): void {}

  offsetExpirationCondition(): OffsetExpirationCondition | undefined {
    return offsetExpirationCondition(this)
  }

  #validateNotDead(): void {
    if (this.#state === 'Dead')
      throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${this.groupId} is in dead state.`)
  }
}
