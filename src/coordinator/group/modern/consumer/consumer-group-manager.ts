import type { MetadataDelta } from '../../../../controller/image/metadata-delta.ts'
import { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../../../protocol/apis/heartbeat.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../../../protocol/apis/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../../../../protocol/apis/sync-group.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { randomUuid } from '../../../../protocol/uuid.ts'
import type { Clock, RandomStream } from '../../../../runtime/runtime.ts'
import type { CoordinatorExecutor } from '../../../common/coordinator-executor.ts'
import type { CoordinatorResult } from '../../../common/coordinator-result.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import { samePartitions } from '../../assignor/partitions.ts'
import type { ClassicGroup } from '../../classic/classic-group.ts'
import type { GroupRequestContext, Joining } from '../../classic/classic-group-joiner.ts'
import type { ClassicGroupResult } from '../../classic/classic-group-result.ts'
import type { OnlineDowngrade } from '../../conversion/online-downgrade.ts'
import { validateOnlineUpgrade } from '../../conversion/online-upgrade.ts'
import type { GroupCoordinatorConfig } from '../../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { ClassicMemberJoiner } from './classic-member-joiner.ts'
import { heartbeatClassicMember, leaveConsumerGroup, syncClassicMember } from './classic-member-requests.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { throwIfGroupIsFull } from './consumer-group-capacity.ts'
import {
  type DescribedConsumerGroup,
  describeConsumerGroup,
  describeConsumerGroupError,
} from './consumer-group-describe.ts'
import { ConsumerGroupFencer } from './consumer-group-fencer.ts'
import {
  type ConsumerGroupMember,
  LEAVE_GROUP_MEMBER_EPOCH,
  LEAVE_GROUP_STATIC_MEMBER_EPOCH,
  partitionsByTopic,
  sameMetadata,
  sameNames,
  topicPartitionsOf,
} from './consumer-group-member.ts'
import { ConsumerGroupRebalancer } from './consumer-group-rebalancer.ts'
import { currentAssignmentRecord, memberSubscriptionRecord } from './consumer-group-records.ts'
import { ConsumerGroupTimers } from './consumer-group-timers.ts'
import type { ConsumerGroups } from './consumer-groups.ts'
import { joinedMember, throwIfInstanceIdIsFenced } from './joined-member.ts'
import { RegularExpressionResolver } from './regular-expression-resolver.ts'
import { updatedMember } from './updated-member.ts'

type Result<T> = CoordinatorResult<T, GroupCoordinatorRecord>

export interface ConsumerGroupManagerOptions {
  readonly time: Clock
  readonly timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly executor: CoordinatorExecutor<GroupCoordinatorRecord>
  readonly config: GroupCoordinatorConfig
  readonly random: RandomStream
  readonly groups: ConsumerGroups
  readonly downgrade: OnlineDowngrade
}

/**
 * The consumer protocol (KIP-848; the consumer half of Kafka's GroupMetadataManager). A member only sends heartbeats. By them
 * it joins, says what it reads and has, learns what it is to give up and what it gets, and leaves. All that a heartbeat brings
 * about is in its records; only timers are set beside them, which do nothing when the records were lost. Members of the classic
 * protocol may be in the same group: their requests are translated.
 */
export class ConsumerGroupManager {
  readonly #config: GroupCoordinatorConfig
  readonly #random: RandomStream
  readonly #groups: ConsumerGroups
  readonly #fencer: ConsumerGroupFencer
  readonly #timers: ConsumerGroupTimers
  readonly #rebalancer: ConsumerGroupRebalancer
  readonly #regularExpressions: RegularExpressionResolver
  readonly #joiner: ClassicMemberJoiner
  #image: MetadataImage = MetadataImage.EMPTY

  constructor({ time, timer, executor, config, random, groups, downgrade }: ConsumerGroupManagerOptions) {
    const image = () => this.#image
    this.#config = config
    this.#random = random
    this.#groups = groups
    this.#fencer = new ConsumerGroupFencer(timer, downgrade, image)
    const timers = new ConsumerGroupTimers({ timer, config, groups, fencer: this.#fencer })
    const rebalancer = new ConsumerGroupRebalancer({ time, config, timers, image })
    const regularExpressions = new RegularExpressionResolver({ time, executor, config, groups })
    const maxSize = config.consumerGroupMaxSize
    const parts = { timers, rebalancer, regularExpressions, downgrade }
    this.#joiner = new ClassicMemberJoiner({ ...parts, random, maxSize, image })
    this.#timers = timers
    this.#rebalancer = rebalancer
    this.#regularExpressions = regularExpressions
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

  /** JoinGroup of a group that has members. @throws ApiError */
  classicJoin(group: ConsumerGroup, joining: Joining): ClassicGroupResult {
    return this.#joiner.join(group, joining)
  }

  /** SyncGroup. @throws ApiError */
  classicSync(
    group: ConsumerGroup,
    request: SyncGroupRequest,
    respond: (response: SyncGroupResponseInput) => void,
  ): ClassicGroupResult {
    return syncClassicMember(group, request, this.#timers, this.#image, respond)
  }

  /** Heartbeat. @throws ApiError */
  classicHeartbeat(group: ConsumerGroup, request: HeartbeatRequest): Result<HeartbeatResponseInput> {
    return heartbeatClassicMember(group, request, this.#timers)
  }

  /** LeaveGroup. */
  classicLeave(group: ConsumerGroup, request: LeaveGroupRequest): Result<LeaveGroupResponseInput> {
    return leaveConsumerGroup(group, request, this.#fencer)
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
    this.#regularExpressions.onLoaded(image)
    for (const group of this.#groups.all()) {
      for (const member of group.members) {
        this.#timers.scheduleSession(group.groupId, member.memberId)
        if (member.state === 'UNREVOKED_PARTITIONS') this.#timers.scheduleRebalance(group.groupId, member)
      }
    }
  }

  /** Groups that read topics which have changed look at them with their next heartbeat. */
  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    this.#image = image
    this.#regularExpressions.onNewMetadataImage(image, delta)
    const names = changedTopicNames(delta)
    if (names.size === 0) return
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
    const group = joins
      ? this.#groups.getOrCreateForJoin(groupId, records, classicGroup => this.#upgrade(classicGroup, records))
      : this.#groups.get(groupId)
    throwIfGroupIsFull(group, request.memberId, this.#config.consumerGroupMaxSize)
    const owned = topicPartitions === null ? undefined : partitionsByTopic(topicPartitions)
    const memberId = request.memberId === '' ? randomUuid(this.#random) : request.memberId
    const member = joinedMember(group, { ...request, memberId }, owned, records)

    // 1. What the member is and reads.
    const updated = updatedMember(member, context, request)
    if (!sameMetadata(updated, member)) records.push(memberSubscriptionRecord(groupId, updated))
    const namesChanged = !sameNames(updated.subscribedTopicNames, member.subscribedTopicNames)
    const regexChange = this.#regularExpressions.update(group, member, updated, records)
    // A new group must leave epoch 0, so that it is written. What a new pattern stands for begins an epoch when it is known.
    const mustBump = group.groupEpoch === 0 || namesChanged || regexChange === 'resolved'
    const groupEpoch = this.#rebalancer.epoch(group, updated, mustBump, records)

    // 2. What each member is to have.
    const target = this.#rebalancer.target(group, groupEpoch, updated, records)

    // 3. What this member has now.
    const state = { hasSubscriptionChanged: namesChanged || regexChange !== 'none', owned }
    const reconciled = this.#rebalancer.reconcile(group, updated, target, state, records)
    this.#timers.scheduleSession(groupId, memberId)
    const tellsAssignment =
      joins || isFullRequest(request) || !samePartitions(member.assignedPartitions, reconciled.assignedPartitions)
    return { records, response: this.#response(reconciled, tellsAssignment) }
  }

  #upgrade(classicGroup: ClassicGroup, records: GroupCoordinatorRecord[]): ConsumerGroup {
    validateOnlineUpgrade(classicGroup, this.#config)
    const group = this.#groups.converted(classicGroup, this.#image, records)
    for (const { memberId, classicMemberMetadata } of group.members) {
      this.#timers.scheduleSession(group.groupId, memberId, classicMemberMetadata?.sessionTimeoutMs)
    }
    return group
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
    if (instanceId === null) return this.#fencer.fence(group, [group.member(memberId)], response)
    const member = group.staticMember(instanceId)
    if (member === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
    }
    throwIfInstanceIdIsFenced(member, memberId, instanceId)
    if (memberEpoch === LEAVE_GROUP_MEMBER_EPOCH) return this.#fencer.fence(group, [member], response)
    // It keeps its partitions and its session: whoever has its name is to be back before that ends.
    const leaving = { ...member, memberEpoch: LEAVE_GROUP_STATIC_MEMBER_EPOCH, partitionsPendingRevocation: new Map() }
    return { records: [currentAssignmentRecord(groupId, leaving)], response }
  }

  get #defaultAssignor(): string {
    return this.#config.consumerGroupAssignors[0] ?? ''
  }
}

function changedTopicNames({ topicsDelta, image: before }: MetadataDelta): ReadonlySet<string> {
  const names = new Set<string>()
  if (topicsDelta === undefined) return names
  for (const { name } of topicsDelta.changedTopics.values()) names.add(name)
  for (const topicId of topicsDelta.deletedTopicIds) {
    const name = before.topics.getTopicById(topicId)?.name
    if (name !== undefined) names.add(name)
  }
  return names
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
