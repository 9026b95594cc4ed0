import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { SnapshotRegistry } from '../../../common/snapshot-registry.ts'
import { TimelineMap } from '../../../common/timeline-map.ts'
import { TimelineValue } from '../../../common/timeline-value.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import { NO_PARTITIONS } from '../../assignor/partitions.ts'
import {
  COMMIT_ANY_PARTITION,
  type CommitPartitionValidator,
  type Group,
  type ListedGroup,
  type OffsetCommitter,
} from '../../group.ts'
import type { ConsumerGroupRegularExpressionValue, GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { expiresAfter, type OffsetExpirationCondition } from '../../offset-expiration-condition.ts'
import { type ConsumerGroupMember, isReconciledTo, newConsumerGroupMember } from './consumer-group-member.ts'
import { groupTombstones } from './consumer-group-records.ts'
import { cancelMemberTimers } from './consumer-group-timers.ts'
import { PartitionEpochs } from './partition-epochs.ts'

/** From this version of OffsetCommit on a commit tells the member's epoch. */
const FIRST_COMMIT_VERSION_MEMBER_EPOCH = 9

/**
 * How far a consumer group has come (ConsumerGroup.ConsumerGroupState): `Assigning`, there is no target yet for its epoch;
 * `Reconciling`, not all members have what they are to have; `Stable`, all have.
 */
export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/**
 * A group whose members speak the consumer protocol (Kafka's ConsumerGroup, KIP-848): all that its records say of it. It is
 * changed by replaying them only, and can go back with them; just when its metadata is to be looked at again is not kept.
 */
export class ConsumerGroup implements Group {
  readonly type = 'consumer'
  readonly groupId: string
  readonly #groupEpoch: TimelineValue<number>
  readonly #metadataHash: TimelineValue<bigint>
  readonly #assignmentEpoch: TimelineValue<number>
  readonly #hasSubscriptionMetadataRecord: TimelineValue<boolean>
  readonly #state: TimelineValue<ConsumerGroupState>
  readonly #members: TimelineMap<string, ConsumerGroupMember>
  readonly #staticMembers: TimelineMap<string, string>
  readonly #targetAssignment: TimelineMap<string, PartitionsByTopic>
  readonly #regularExpressions: TimelineMap<string, ConsumerGroupRegularExpressionValue>
  readonly #partitionEpochs: PartitionEpochs
  #metadataRefresh = { deadlineMs: 0, epoch: 0 }

  constructor(snapshotRegistry: SnapshotRegistry, groupId: string) {
    this.groupId = groupId
    this.#groupEpoch = new TimelineValue(snapshotRegistry, 0)
    this.#metadataHash = new TimelineValue(snapshotRegistry, 0n)
    this.#assignmentEpoch = new TimelineValue(snapshotRegistry, 0)
    this.#hasSubscriptionMetadataRecord = new TimelineValue(snapshotRegistry, false)
    this.#state = new TimelineValue<ConsumerGroupState>(snapshotRegistry, 'Empty')
    this.#members = new TimelineMap(snapshotRegistry)
    this.#staticMembers = new TimelineMap(snapshotRegistry)
    this.#targetAssignment = new TimelineMap(snapshotRegistry)
    this.#regularExpressions = new TimelineMap(snapshotRegistry)
    this.#partitionEpochs = new PartitionEpochs(snapshotRegistry)
  }

  get groupEpoch(): number {
    return this.#groupEpoch.get()
  }

  /** Of what the members read, when the epoch began. */
  get metadataHash(): bigint {
    return this.#metadataHash.get()
  }

  /** The epoch of the group that the target is made for; −1 when the group is being deleted. */
  get assignmentEpoch(): number {
    return this.#assignmentEpoch.get()
  }

  /** Whether the log has a record of it that Kafka wrote before 4.1. */
  get hasSubscriptionMetadataRecord(): boolean {
    return this.#hasSubscriptionMetadataRecord.get()
  }

  get state(): ConsumerGroupState {
    return this.#state.get()
  }

  get isEmpty(): boolean {
    return this.state === 'Empty'
  }

  get numMembers(): number {
    return this.#members.size
  }

  get shouldExpire(): boolean {
    return true
  }

  get members(): readonly ConsumerGroupMember[] {
    return [...this.#members.values()]
  }

  hasMember(memberId: string): boolean {
    return this.#members.has(memberId)
  }

  /** @throws ApiError UNKNOWN_MEMBER_ID */
  member(memberId: string): ConsumerGroupMember {
    const member = this.#members.get(memberId)
    if (member !== undefined) return member
    throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${this.groupId}.`)
  }

  /** The member, or a new one, which the group does not have yet. */
  getOrCreateMember(memberId: string): ConsumerGroupMember {
    return this.#members.get(memberId) ?? newConsumerGroupMember(memberId)
  }

  /** Who has this name. */
  staticMember(instanceId: string | null): ConsumerGroupMember | undefined {
    const memberId = instanceId === null ? undefined : this.#staticMembers.get(instanceId)
    return memberId === undefined ? undefined : this.member(memberId)
  }

  /** What the member is to have; undefined: nothing was written of it. */
  targetAssignment(memberId: string): PartitionsByTopic | undefined {
    return this.#targetAssignment.get(memberId)
  }

  /** The same for a member that may take the place of the static one of its name. */
  targetAssignmentOf({
    memberId,
    instanceId,
  }: Pick<ConsumerGroupMember, 'memberId' | 'instanceId'>): PartitionsByTopic {
    const holder = instanceId === null ? memberId : this.#staticMembers.get(instanceId)
    return (holder === undefined ? undefined : this.targetAssignment(holder)) ?? NO_PARTITIONS
  }

  /** The epoch of the member that has a partition or has yet to give it up; undefined: nobody has. */
  currentPartitionEpoch(topicId: string, partition: number): number | undefined {
    return this.#partitionEpochs.get(topicId, partition)
  }

  /** The topics that a member reads, by name or by a pattern that has been resolved. */
  subscribedTopicNames(member: ConsumerGroupMember): readonly string[] {
    const { subscribedTopicNames, subscribedTopicRegex } = member
    const resolved = subscribedTopicRegex ? this.#regularExpressions.get(subscribedTopicRegex) : undefined
    return resolved === undefined ? subscribedTopicNames : [...new Set([...subscribedTopicNames, ...resolved.topics])]
  }

  /** What a pattern was resolved to; undefined: it is not yet. */
  resolvedRegularExpression(regularExpression: string): ConsumerGroupRegularExpressionValue | undefined {
    return this.#regularExpressions.get(regularExpression)
  }

  /** All patterns that were resolved, in the order in which they were. */
  get resolvedRegularExpressions(): ReadonlyMap<string, ConsumerGroupRegularExpressionValue> {
    return new Map(this.#regularExpressions.entries())
  }

  isSubscribedToTopic(topic: string): boolean {
    return this.members.some(member => this.subscribedTopicNames(member).includes(topic))
  }

  setGroupEpoch(epoch: number, metadataHash: bigint): void {
    this.#groupEpoch.set(epoch)
    this.#metadataHash.set(metadataHash)
    this.#updateState()
  }

  setAssignmentEpoch(epoch: number): void {
    this.#assignmentEpoch.set(epoch)
    this.#updateState()
  }

  setHasSubscriptionMetadataRecord(has: boolean): void {
    this.#hasSubscriptionMetadataRecord.set(has)
  }

  /** `target` undefined: the member is to be forgotten. */
  setTargetAssignment(memberId: string, target: PartitionsByTopic | undefined): void {
    if (target === undefined) this.#targetAssignment.delete(memberId)
    else this.#targetAssignment.set(memberId, target)
  }

  /** `value` null: it is forgotten. */
  setRegularExpression(regularExpression: string, value: ConsumerGroupRegularExpressionValue | null): void {
    if (value === null) this.#regularExpressions.delete(regularExpression)
    else this.#regularExpressions.set(regularExpression, value)
  }

  /** @throws RangeError when it would have what another member has */
  updateMember(member: ConsumerGroupMember): void {
    this.#partitionEpochs.replace(this.#members.get(member.memberId), member)
    this.#members.set(member.memberId, member)
    if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, member.memberId)
    this.#updateState()
  }

  removeMember(memberId: string): void {
    const member = this.#members.delete(memberId)
    if (member === undefined) return
    this.#partitionEpochs.replace(member, undefined)
    if (member.instanceId !== null) this.#staticMembers.delete(member.instanceId)
    this.#updateState()
  }

  /** Whether what the members read is to be looked at again; after a revert that lost the last look, too. */
  hasMetadataExpired(nowMs: number): boolean {
    return nowMs >= this.#metadataRefresh.deadlineMs || this.groupEpoch < this.#metadataRefresh.epoch
  }

  setMetadataRefreshDeadline(deadlineMs: number, epoch: number): void {
    this.#metadataRefresh = { deadlineMs, epoch }
  }

  requestMetadataRefresh(): void {
    this.#metadataRefresh = { deadlineMs: 0, epoch: 0 }
  }

  stateAsString(committedOffset?: number): ConsumerGroupState {
    return committedOffset === undefined ? this.state : this.#state.getAt(committedOffset)
  }

  asListedGroup(committedOffset: number): ListedGroup {
    const groupState = this.stateAsString(committedOffset)
    return { groupId: this.groupId, protocolType: 'consumer', groupState, groupType: this.type }
  }

  isInStates(lowerCaseStates: ReadonlySet<string>, committedOffset: number): boolean {
    return lowerCaseStates.has(this.stateAsString(committedOffset).toLowerCase())
  }

  /** What was committed at an offset, for descriptions. */
  asOf(committedOffset: number): CommittedConsumerGroup {
    return {
      groupId: this.groupId,
      state: this.#state.getAt(committedOffset),
      groupEpoch: this.#groupEpoch.getAt(committedOffset),
      assignmentEpoch: this.#assignmentEpoch.getAt(committedOffset),
      members: this.#members.entriesAt(committedOffset).map(([, member]) => member),
      targetAssignment: memberId => this.#targetAssignment.getAt(memberId, committedOffset) ?? NO_PARTITIONS,
    }
  }

  validateOffsetCommit(committer: OffsetCommitter): CommitPartitionValidator {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch: memberEpoch, isTransactional, apiVersion } = committer
    // An administrator, or a consumer that does not use the group to share partitions.
    if (memberEpoch < 0 && this.numMembers === 0) return COMMIT_ANY_PARTITION
    if (isTransactional && memberEpoch === -1 && memberId === '' && groupInstanceId === null) {
      return COMMIT_ANY_PARTITION
    }
    const member = this.member(memberId)
    const isClassic = member.classicMemberMetadata !== null
    if (!isTransactional && !isClassic && apiVersion < FIRST_COMMIT_VERSION_MEMBER_EPOCH) {
      throw new ApiError(
        ErrorCode.UNSUPPORTED_VERSION,
        'OffsetCommit version 9 or above must be used by members using the modern group protocol',
      )
    }
    validateMemberEpoch(member, memberEpoch)
    return COMMIT_ANY_PARTITION
  }

  validateOffsetFetch(memberId: string | null, memberEpoch: number, committedOffset: number | undefined): void {
    if (memberId === null && memberEpoch < 0) return
    const id = memberId ?? ''
    const member = committedOffset === undefined ? this.#members.get(id) : this.#members.getAt(id, committedOffset)
    if (member === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${id} is not a member of group ${this.groupId}.`)
    }
    validateMemberEpoch(member, memberEpoch)
  }

  validateOffsetDelete(): void {
    // Offsets of topics that nobody reads may be deleted at any time.
  }

  validateDeleteGroup(): void {
    if (!this.isEmpty) throw new ApiError(ErrorCode.NON_EMPTY_GROUP)
  }

  createGroupTombstoneRecords(records: GroupCoordinatorRecord[]): void {
    records.push(...groupTombstones(this.groupId, [...this.#members.keys()], [...this.#regularExpressions.keys()]))
  }

  cancelTimers(timer: CoordinatorTimer<GroupCoordinatorRecord>): void {
    for (const { memberId } of this.members) cancelMemberTimers(timer, this.groupId, memberId)
  }

  offsetExpirationCondition(): OffsetExpirationCondition {
    return expiresAfter(({ commitTimestampMs }) => commitTimestampMs)
  }

  #updateState(): void {
    const state = this.#computeState()
    if (state !== this.state) this.#state.set(state)
  }

  #computeState(): ConsumerGroupState {
    if (this.numMembers === 0) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    const isStable = this.members.every(member => isReconciledTo(member, this.assignmentEpoch))
    return isStable ? 'Stable' : 'Reconciling'
  }
}

/** A consumer group as it was committed. */
export interface CommittedConsumerGroup {
  readonly groupId: string
  readonly state: ConsumerGroupState
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly members: readonly ConsumerGroupMember[]
  targetAssignment(memberId: string): PartitionsByTopic
}

function validateMemberEpoch({ memberEpoch, classicMemberMetadata }: ConsumerGroupMember, received: number): void {
  if (received === memberEpoch) return
  const mismatch = `does not match the expected member epoch ${memberEpoch}.`
  if (classicMemberMetadata === null) {
    throw new ApiError(ErrorCode.STALE_MEMBER_EPOCH, `The received member epoch ${received} ${mismatch}`)
  }
  throw new ApiError(ErrorCode.ILLEGAL_GENERATION, `The received generation id ${received} ${mismatch}`)
}
