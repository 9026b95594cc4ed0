import type { MetadataDelta } from '../../../../controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { randomUuid } from '../../../../protocol/uuid.ts'
import type { Clock, RandomStream } from '../../../../runtime/runtime.ts'
import { answer, type CoordinatorResult } from '../../../common/coordinator-result.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import { samePartitions } from '../../assignor/partitions.ts'
import type { GroupRequestContext } from '../../classic/classic-group-joiner.ts'
import type { GroupCoordinatorConfig } from '../../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  type DescribedConsumerGroup,
  describeConsumerGroup,
  describeConsumerGroupError,
} from './consumer-group-describe.ts'
import { fenceMember } from './consumer-group-fencing.ts'
import {
  type ConsumerGroupMember,
  LEAVE_GROUP_MEMBER_EPOCH,
  LEAVE_GROUP_STATIC_MEMBER_EPOCH,
  partitionsByTopic,
  sameCurrentAssignment,
  sameMetadata,
  sameNames,
  topicPartitionsOf,
} from './consumer-group-member.ts'
import { currentAssignmentRecord, memberSubscriptionRecord } from './consumer-group-records.ts'
import { rebalanceTimeoutKey, sessionTimeoutKey } from './consumer-group-timers.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import { reconcile } from './current-assignment-builder.ts'
import { updateGroupEpoch } from './group-epoch.ts'
import { joinedMember, throwIfInstanceIdIsFenced } from './joined-member.ts'
import { updateTargetAssignment } from './update-target-assignment.ts'
import { updatedMember } from './updated-member.ts'

type Result<T> = CoordinatorResult<T, GroupCoordinatorRecord>

export interface ConsumerGroupManagerOptions {
  readonly time: Clock
  readonly timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly config: GroupCoordinatorConfig
  readonly random: RandomStream
  readonly groups: ConsumerGroups
}

/**
 * The consumer protocol (KIP-848; the consumer half of Kafka's GroupMetadataManager). A member only sends heartbeats. By them
 * it joins, says what it reads and has, learns what it is to give up and what it gets, and leaves. All that a heartbeat brings
 * about is in its records; only timers are set beside them, which do nothing when the records were lost.
 */
export class ConsumerGroupManager {
  readonly #time: Clock
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly #config: GroupCoordinatorConfig
  readonly #random: RandomStream
  readonly #groups: ConsumerGroups
  #image: MetadataImage = MetadataImage.EMPTY

  constructor({ time, timer, config, random, groups }: ConsumerGroupManagerOptions) {
    this.#time = time
    this.#timer = timer
    this.#config = config
    this.#random = random
    this.#groups = groups
  }

  /** ConsumerGroupHeartbeat; the request is valid. @throws ApiError */
  heartbeat(
    context: GroupRequestContext,
    request: ConsumerGroupHeartbeatRequest,
  ): Result<ConsumerGroupHeartbeatResponseInput> {
    const { memberEpoch } = request
    const leaves = memberEpoch === LEAVE_GROUP_MEMBER_EPOCH || memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH
    return leaves ? this.#leave(request) : this.#heartbeat(context, request)
  }

  /** What ConsumerGroupDescribe tells of these groups. */
  describe(groupIds: readonly string[], committedOffset: number): DescribedConsumerGroup[] {
    return groupIds.map(groupId => {
      try {
        const group = this.#groups.get(groupId, committedOffset).asOf(committedOffset)
        return describeConsumerGroup(group, this.#image, this.#defaultAssignor)
      } catch (error) {
        if (error instanceof ApiError) return describeConsumerGroupError(groupId, error.code, error.message)
        throw error
      }
    })
  }

  /** All records have been read: members may be silent for as long as their session from now on. */
  onLoaded(image: MetadataImage): void {
    this.#image = image
    for (const group of this.#groups.all()) {
      for (const member of group.members) {
        this.#scheduleSessionTimeout(group.groupId, member.memberId)
        if (member.state === 'UNREVOKED_PARTITIONS') this.#scheduleRebalanceTimeout(group.groupId, member)
      }
    }
  }

  /** Groups that read topics which have changed look at them with their next heartbeat. */
  onNewMetadataImage(image: MetadataImage, { topicsDelta, image: before }: MetadataDelta): void {
    this.#image = image
    if (topicsDelta === undefined) return
    const names = new Set<string>()
    for (const { name } of topicsDelta.changedTopics.values()) names.add(name)
    for (const topicId of topicsDelta.deletedTopicIds) {
      const name = before.topics.getTopicById(topicId)?.name
      if (name !== undefined) names.add(name)
    }
    for (const group of this.#groups.all()) {
      const isConcerned = group.members.some(member =>
        group.subscribedTopicNames(member).some(topicName => names.has(topicName)),
      )
      if (isConcerned) group.requestMetadataRefresh()
    }
  }

  #heartbeat(
    context: GroupRequestContext,
    request: ConsumerGroupHeartbeatRequest,
  ): Result<ConsumerGroupHeartbeatResponseInput> {
    const { groupId, memberEpoch, topicPartitions } = request
    const records: GroupCoordinatorRecord[] = []
    const joins = memberEpoch === 0
    const group = joins ? this.#groups.getOrCreateForJoin(groupId, records) : this.#groups.get(groupId)
    this.#throwIfFull(group, request.memberId)
    const owned = topicPartitions === null ? undefined : partitionsByTopic(topicPartitions)
    const memberId = request.memberId === '' ? randomUuid(this.#random) : request.memberId
    const member = joinedMember(group, { ...request, memberId }, owned, records)

    // 1. What the member is and reads.
    const updated = updatedMember(member, context, request)
    if (!sameMetadata(updated, member)) records.push(memberSubscriptionRecord(groupId, updated))
    const hasSubscriptionChanged = !sameNames(updated.subscribedTopicNames, member.subscribedTopicNames)
    let { groupEpoch } = group
    // A new group must leave epoch 0, so that it is written.
    const mustBump = groupEpoch === 0 || hasSubscriptionChanged
    if (mustBump || group.hasMetadataExpired(this.#time.wallMs())) {
      groupEpoch = updateGroupEpoch(group, updated, mustBump, this.#image, this.#time.wallMs(), records)
    }

    // 2. What each member is to have.
    const targetAssignmentEpoch = Math.max(groupEpoch, group.assignmentEpoch)
    const targetAssignment =
      groupEpoch > group.assignmentEpoch
        ? updateTargetAssignment(group, groupEpoch, updated, this.#config.consumerGroupAssignors, this.#image, records)
        : group.targetAssignmentOf(updated)

    // 3. What this member has now.
    const reconciled = {
      ...updated,
      ...reconcile(updated, {
        targetAssignmentEpoch,
        targetAssignment,
        subscribedTopicIds: this.#topicIds(group.subscribedTopicNames(updated)),
        hasSubscriptionChanged,
        ownedPartitions: owned,
        currentPartitionEpoch: (topicId, partition) => group.currentPartitionEpoch(topicId, partition),
      }),
    }
    if (!sameCurrentAssignment(reconciled, updated)) {
      records.push(currentAssignmentRecord(groupId, reconciled))
      if (reconciled.state === 'UNREVOKED_PARTITIONS') this.#scheduleRebalanceTimeout(groupId, reconciled)
      else this.#timer.cancel(rebalanceTimeoutKey(groupId, memberId))
    }
    this.#scheduleSessionTimeout(groupId, memberId)
    const tellsAssignment =
      joins || isFullRequest(request) || !samePartitions(member.assignedPartitions, reconciled.assignedPartitions)
    return { records, response: this.#response(reconciled, tellsAssignment) }
  }

  #response(
    { memberId, memberEpoch, assignedPartitions }: ConsumerGroupMember,
    tellsAssignment: boolean,
  ): ConsumerGroupHeartbeatResponseInput {
    return {
      errorCode: ErrorCode.NONE,
      memberId,
      memberEpoch,
      heartbeatIntervalMs: this.#config.consumerGroupHeartbeatIntervalMs,
      assignment: tellsAssignment ? { topicPartitions: topicPartitionsOf(assignedPartitions) } : null,
    }
  }

  #leave({
    groupId,
    instanceId,
    memberId,
    memberEpoch,
  }: ConsumerGroupHeartbeatRequest): Result<ConsumerGroupHeartbeatResponseInput> {
    const group = this.#groups.get(groupId)
    const response = { errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 }
    if (instanceId === null) return { records: this.#fence(group, group.member(memberId)), response }
    const member = group.staticMember(instanceId)
    if (member === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
    }
    throwIfInstanceIdIsFenced(member, memberId, instanceId)
    if (memberEpoch === LEAVE_GROUP_MEMBER_EPOCH) return { records: this.#fence(group, member), response }
    // It keeps its partitions and its session: whoever has its name is to be back before that ends.
    const leaving = { ...member, memberEpoch: LEAVE_GROUP_STATIC_MEMBER_EPOCH, partitionsPendingRevocation: new Map() }
    return { records: [currentAssignmentRecord(groupId, leaving)], response }
  }

  #fence(group: ConsumerGroup, member: ConsumerGroupMember): GroupCoordinatorRecord[] {
    return fenceMember(group, member, this.#image, this.#timer)
  }

  #throwIfFull(group: ConsumerGroup, memberId: string): void {
    const { consumerGroupMaxSize } = this.#config
    if (group.numMembers < consumerGroupMaxSize || group.hasMember(memberId)) return
    throw new ApiError(
      ErrorCode.GROUP_MAX_SIZE_REACHED,
      `The consumer group has reached its maximum capacity of ${consumerGroupMaxSize} members.`,
    )
  }

  #topicIds(names: readonly string[]): ReadonlySet<string> {
    return new Set(names.flatMap(name => this.#image.topics.getTopic(name)?.id ?? []))
  }

  #scheduleSessionTimeout(groupId: string, memberId: string): void {
    this.#timer.schedule(sessionTimeoutKey(groupId, memberId), this.#config.consumerGroupSessionTimeoutMs, () =>
      this.#fenceIf(groupId, memberId, () => true),
    )
  }

  #scheduleRebalanceTimeout(groupId: string, { memberId, memberEpoch, rebalanceTimeoutMs }: ConsumerGroupMember): void {
    this.#timer.schedule(rebalanceTimeoutKey(groupId, memberId), rebalanceTimeoutMs, () =>
      this.#fenceIf(groupId, memberId, member => member.memberEpoch === memberEpoch),
    )
  }

  #fenceIf(groupId: string, memberId: string, isDue: (member: ConsumerGroupMember) => boolean): Result<void> {
    const group = this.#groups.find(groupId)
    if (group?.hasMember(memberId) !== true) return answer(undefined)
    const member = group.member(memberId)
    return isDue(member) ? { records: this.#fence(group, member), response: undefined } : answer(undefined)
  }

  get #defaultAssignor(): string {
    return this.#config.consumerGroupAssignors[0] ?? ''
  }
}

/** Whether the member says all of itself, as when it joins, or does not know what came of its last heartbeat. */
function isFullRequest({
  rebalanceTimeoutMs,
  subscribedTopicNames,
  subscribedTopicRegex,
  topicPartitions,
}: ConsumerGroupHeartbeatRequest): boolean {
  const saysSubscription = subscribedTopicNames !== null || subscribedTopicRegex !== null
  return rebalanceTimeoutMs !== -1 && saysSubscription && topicPartitions !== null
}
