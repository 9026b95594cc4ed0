import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { JoinGroupRequest } from '../../../../protocol/apis/join-group.ts'
import {
  CONSUMER_PROTOCOL_TYPE,
  type ConsumerProtocolSubscription,
  decodeSubscription,
} from '../../../../protocol/consumer-protocol.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { ProtocolError } from '../../../../protocol/protocol-error.ts'
import { randomUuid } from '../../../../protocol/uuid.ts'
import type { RandomStream } from '../../../../runtime/runtime.ts'
import { joinError, UNKNOWN_MEMBER_ID } from '../../classic/classic-group-answers.ts'
import { type GroupRequestContext, type Joining, requiresKnownMemberId } from '../../classic/classic-group-joiner.ts'
import { type ClassicGroupResult, NOTHING_TO_WRITE } from '../../classic/classic-group-result.ts'
import { protocolNames } from '../../classic/supported-protocols.ts'
import { partitionsById } from '../../conversion/consumer-protocol-partitions.ts'
import type { OnlineDowngrade } from '../../conversion/online-downgrade.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { throwIfGroupIsFull } from './consumer-group-capacity.ts'
import { type ConsumerGroupMember, sameMetadata, sameNames, sortedNames } from './consumer-group-member.ts'
import type { ConsumerGroupRebalancer } from './consumer-group-rebalancer.ts'
import { memberSubscriptionRecord } from './consumer-group-records.ts'
import type { ConsumerGroupTimers } from './consumer-group-timers.ts'
import { joinedClassicMember } from './joined-member.ts'
import type { RegularExpressionResolver } from './regular-expression-resolver.ts'

export interface ClassicMemberJoinerOptions {
  readonly random: RandomStream
  /** `group.consumer.max.size` */
  readonly maxSize: number
  readonly timers: ConsumerGroupTimers
  readonly rebalancer: ConsumerGroupRebalancer
  readonly regularExpressions: RegularExpressionResolver
  readonly downgrade: OnlineDowngrade
  readonly image: () => MetadataImage
}

/**
 * JoinGroup of a consumer group that has members (GroupMetadataManager.classicGroupJoinToConsumerGroup): the coordinator makes
 * the assignment, so nobody waits for the others, and nobody leads. The generation that a member is told is its epoch. It is
 * answered when what it brings about is written.
 */
export class ClassicMemberJoiner {
  readonly #random: RandomStream
  readonly #maxSize: number
  readonly #timers: ConsumerGroupTimers
  readonly #rebalancer: ConsumerGroupRebalancer
  readonly #regularExpressions: RegularExpressionResolver
  readonly #downgrade: OnlineDowngrade
  readonly #image: () => MetadataImage

  constructor(options: ClassicMemberJoinerOptions) {
    this.#random = options.random
    this.#maxSize = options.maxSize
    this.#timers = options.timers
    this.#rebalancer = options.rebalancer
    this.#regularExpressions = options.regularExpressions
    this.#downgrade = options.downgrade
    this.#image = options.image
  }

  /** @throws ApiError */
  join(group: ConsumerGroup, { context, request, respond }: Joining): ClassicGroupResult {
    const isUnknown = request.memberId === UNKNOWN_MEMBER_ID
    const memberId = isUnknown ? randomUuid(this.#random) : request.memberId
    throwIfGroupIsFull(group, memberId, this.#maxSize)
    throwIfNotSupported(group, memberId, request)
    if (isUnknown && request.groupInstanceId === null && requiresKnownMemberId(context.apiVersion)) {
      respond(joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId))
      return NOTHING_TO_WRITE
    }
    const records: GroupCoordinatorRecord[] = []
    const member = joinedClassicMember(group, memberId, request.groupInstanceId, isUnknown, records)
    const replaced = group.staticMember(request.groupInstanceId)
    const downgrades = replaced !== undefined && this.#downgrade.isDueWithReplaced(group, replaced)
    const joined = this.#rebalance(group, member, { context, request }, downgrades, records)
    return {
      records,
      response: undefined,
      // A classic group is there already; a consumer group is what its records say.
      replayRecords: !downgrades,
      onAppended: error => {
        if (error !== undefined) return
        this.#onJoined(group.groupId, joined, request, downgrades)
        respond({
          ...joinError(ErrorCode.NONE, joined.memberId),
          generationId: joined.memberEpoch,
          protocolType: CONSUMER_PROTOCOL_TYPE,
          protocolName: joined.classicMemberMetadata?.supportedProtocols[0]?.name ?? null,
        })
      },
    }
  }

  #rebalance(
    group: ConsumerGroup,
    member: ConsumerGroupMember,
    { context, request }: Omit<Joining, 'respond'>,
    downgrades: boolean,
    records: GroupCoordinatorRecord[],
  ): ConsumerGroupMember {
    const subscription = subscriptionOf(request)
    const updated = updatedClassicMember(member, context, request, subscription)
    if (!sameMetadata(updated, member)) records.push(memberSubscriptionRecord(group.groupId, updated))
    const namesChanged = !sameNames(updated.subscribedTopicNames, member.subscribedTopicNames)
    const regexChanged = this.#regularExpressions.update(group, member, updated, records) !== 'none'
    const hasSubscriptionChanged = namesChanged || regexChanged
    const groupEpoch = this.#rebalancer.epoch(group, updated, hasSubscriptionChanged, records)
    const owned = partitionsById(subscription.ownedPartitions, this.#image())
    const state = { hasSubscriptionChanged, owned }
    if (!downgrades) {
      const target = this.#rebalancer.target(group, groupEpoch, updated, records)
      return this.#rebalancer.reconcile(group, updated, target, state, records)
    }
    // With another subscription the classic group rebalances anyway.
    const joining = hasSubscriptionChanged
      ? updated
      : this.#rebalancer.reconcile(group, updated, this.#rebalancer.presentTarget(group, updated), state, records)
    this.#downgrade.convert(group, { joining, hasSubscriptionChanged }, this.#image(), records)
    return joining
  }

  #onJoined(groupId: string, { memberId }: ConsumerGroupMember, request: JoinGroupRequest, downgraded: boolean): void {
    this.#timers.cancelJoin(groupId, memberId)
    if (downgraded) return
    this.#timers.scheduleSession(groupId, memberId, request.sessionTimeoutMs)
    this.#timers.scheduleSync(groupId, memberId, request.rebalanceTimeoutMs)
  }
}

/** @throws ApiError INCONSISTENT_GROUP_PROTOCOL unless one of its protocols is known to all members of the classic protocol */
function throwIfNotSupported(
  group: ConsumerGroup,
  memberId: string,
  { protocolType, protocols }: JoinGroupRequest,
): void {
  const offered = group.members.flatMap(({ classicMemberMetadata }) =>
    classicMemberMetadata === null ? [] : [protocolNames(classicMemberMetadata.supportedProtocols)],
  )
  const isSupported = [...protocolNames(protocols)].some(name => offered.every(names => names.has(name)))
  if (protocolType === CONSUMER_PROTOCOL_TYPE && isSupported) return
  throw new ApiError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, `Member ${memberId}'s protocols are not supported.`)
}

/** All of a consumer's protocols have the same subscription. @throws ApiError UNKNOWN_SERVER_ERROR when it cannot be read */
function subscriptionOf({ groupId, protocols }: JoinGroupRequest): ConsumerProtocolSubscription {
  try {
    return decodeSubscription(protocols[0]?.metadata ?? Buffer.alloc(0))
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ApiError(
      ErrorCode.UNKNOWN_SERVER_ERROR,
      `Malformed embedded consumer protocol in a subscription of group ${groupId}: ${error.message}`,
    )
  }
}

function updatedClassicMember(
  member: ConsumerGroupMember,
  { clientId, clientHost }: GroupRequestContext,
  { groupInstanceId, protocols, rebalanceTimeoutMs, sessionTimeoutMs }: JoinGroupRequest,
  subscription: ConsumerProtocolSubscription,
): ConsumerGroupMember {
  return {
    ...member,
    clientId,
    clientHost,
    instanceId: groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId || member.rackId,
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : rebalanceTimeoutMs,
    subscribedTopicNames: sortedNames(subscription.topics),
    // The classic protocol knows no patterns.
    subscribedTopicRegex: '',
    classicMemberMetadata: {
      sessionTimeoutMs,
      // Copied: they are views of the request's frame.
      supportedProtocols: protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    },
  }
}
