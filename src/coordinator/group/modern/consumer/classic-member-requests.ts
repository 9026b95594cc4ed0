import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../../../protocol/apis/heartbeat.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../../../protocol/apis/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../../../../protocol/apis/sync-group.ts'
import {
  CONSUMER_PROTOCOL_TYPE,
  CONSUMER_PROTOCOL_VERSION,
  consumerProtocolVersion,
  encodeAssignment,
} from '../../../../protocol/consumer-protocol.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import { answer, type CoordinatorResult } from '../../../common/coordinator-result.ts'
import { UNKNOWN_MEMBER_ID } from '../../classic/classic-group-answers.ts'
import type { ClassicGroupResult } from '../../classic/classic-group-result.ts'
import { namedPartitions } from '../../conversion/consumer-protocol-partitions.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupFencer } from './consumer-group-fencer.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import type { ConsumerGroupTimers } from './consumer-group-timers.ts'
import { throwIfInstanceIdIsFenced } from './joined-member.ts'

type Result<T> = CoordinatorResult<T, GroupCoordinatorRecord>

/** A member of the classic protocol. */
type ClassicMember = ConsumerGroupMember & {
  readonly classicMemberMetadata: NonNullable<ConsumerGroupMember['classicMemberMetadata']>
}

/**
 * SyncGroup of a member of a consumer group: tells what it has (GroupMetadataManager.classicGroupSyncToConsumerGroup), once
 * that is committed. @throws ApiError
 */
export function syncClassicMember(
  group: ConsumerGroup,
  request: SyncGroupRequest,
  timers: ConsumerGroupTimers,
  image: MetadataImage,
  respond: (response: SyncGroupResponseInput) => void,
): ClassicGroupResult {
  const { groupId } = group
  const { memberId, protocolType, protocolName } = request
  const member = classicMember(group, request)
  throwIfProtocolDiffers(member, request)
  // One that has partitions to give up has joined already, and joins again by itself when they are given up.
  if (group.groupEpoch > member.memberEpoch && member.state !== 'UNREVOKED_PARTITIONS') {
    timers.scheduleJoinIfAbsent(groupId, member)
    throw new ApiError(
      ErrorCode.REBALANCE_IN_PROGRESS,
      `A new rebalance is triggered in group ${groupId} and member ${memberId} should rejoin to catch up.`,
    )
  }
  const assignment = assignmentOf(member, image)
  return {
    records: [],
    response: undefined,
    onAppended: error => {
      if (error !== undefined) return
      timers.cancelSync(groupId, memberId)
      timers.scheduleSession(groupId, memberId, member.classicMemberMetadata.sessionTimeoutMs)
      respond({ errorCode: ErrorCode.NONE, protocolType, protocolName, assignment })
    },
  }
}

/**
 * Heartbeat of a member of a consumer group. It is to join again when there is a new epoch, when it has partitions to give up,
 * and when all that it waits for is free (GroupMetadataManager.classicGroupHeartbeatToConsumerGroup). @throws ApiError
 */
export function heartbeatClassicMember(
  group: ConsumerGroup,
  request: HeartbeatRequest,
  timers: ConsumerGroupTimers,
): CoordinatorResult<HeartbeatResponseInput, never> {
  const { groupId } = group
  const member = classicMember(group, request)
  timers.scheduleSession(groupId, member.memberId, member.classicMemberMetadata.sessionTimeoutMs)
  const isToRejoin =
    member.memberEpoch < group.groupEpoch ||
    member.state === 'UNREVOKED_PARTITIONS' ||
    (member.state === 'UNRELEASED_PARTITIONS' && !waitsForOthers(group, member))
  if (!isToRejoin) return answer({ errorCode: ErrorCode.NONE })
  timers.scheduleJoinIfAbsent(groupId, member)
  return answer({ errorCode: ErrorCode.REBALANCE_IN_PROGRESS })
}

/**
 * LeaveGroup of members of a consumer group, of either protocol; static ones may be put out by their names
 * (GroupMetadataManager.classicGroupLeaveToConsumerGroup).
 */
export function leaveConsumerGroup(
  group: ConsumerGroup,
  request: LeaveGroupRequest,
  fencer: ConsumerGroupFencer,
): Result<LeaveGroupResponseInput> {
  const leaving = new Map<string, ConsumerGroupMember>()
  const members = request.members.map(({ memberId, groupInstanceId }) => {
    try {
      const member = leavingMember(group, memberId, groupInstanceId)
      leaving.set(member.memberId, member)
      return { memberId, groupInstanceId, errorCode: ErrorCode.NONE }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { memberId, groupInstanceId, errorCode: error.code }
    }
  })
  return fencer.fence(group, [...leaving.values()], { errorCode: ErrorCode.NONE, members })
}

function leavingMember(group: ConsumerGroup, memberId: string, instanceId: string | null): ConsumerGroupMember {
  if (instanceId === null) return group.member(memberId)
  const member = group.staticMember(instanceId)
  if (member === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  if (memberId !== UNKNOWN_MEMBER_ID) throwIfInstanceIdIsFenced(member, memberId, instanceId)
  return member
}

/** Who sends the request, as a member of the classic protocol in this generation. @throws ApiError */
function classicMember(
  group: ConsumerGroup,
  { memberId, groupInstanceId, generationId }: Pick<HeartbeatRequest, 'memberId' | 'groupInstanceId' | 'generationId'>,
): ClassicMember {
  const member = groupInstanceId === null ? group.member(memberId) : group.staticMember(groupInstanceId)
  if (member === undefined) {
    throw new ApiError(
      ErrorCode.UNKNOWN_MEMBER_ID,
      `Member with instance id ${groupInstanceId} is not a member of group ${group.groupId}.`,
    )
  }
  if (groupInstanceId !== null) throwIfInstanceIdIsFenced(member, memberId, groupInstanceId)
  const { classicMemberMetadata, memberEpoch } = member
  if (classicMemberMetadata === null) {
    throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} does not use the classic protocol.`)
  }
  if (memberEpoch !== generationId) {
    throw new ApiError(
      ErrorCode.ILLEGAL_GENERATION,
      `The request generation id ${generationId} is not equal to the member epoch ${memberEpoch} of member ${memberId}.`,
    )
  }
  return { ...member, classicMemberMetadata }
}

/** @throws ApiError INCONSISTENT_GROUP_PROTOCOL unless the protocol, where it is told, is that of the JoinGroup's answer (KIP-559) */
function throwIfProtocolDiffers(
  { memberId, classicMemberMetadata }: ClassicMember,
  { protocolType, protocolName }: SyncGroupRequest,
): void {
  const name = classicMemberMetadata.supportedProtocols[0]?.name
  if (protocolType !== null && protocolType !== CONSUMER_PROTOCOL_TYPE) {
    throw new ApiError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol type ${protocolType} from member ${memberId} request is not equal to the group protocol type ${CONSUMER_PROTOCOL_TYPE}.`,
    )
  }
  if (protocolName !== null && protocolName !== name) {
    throw new ApiError(
      ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
      `The protocol name ${protocolName} from member ${memberId} request is not equal to the protocol name ${name} returned in the join response.`,
    )
  }
}

/** Whether others still have something that the member is to have (ConsumerGroup.waitingOnUnreleasedPartition). */
function waitsForOthers(group: ConsumerGroup, { memberId, assignedPartitions }: ConsumerGroupMember): boolean {
  return [...(group.targetAssignment(memberId) ?? [])].some(([topicId, partitions]) =>
    [...partitions].some(
      partition =>
        assignedPartitions.get(topicId)?.has(partition) !== true &&
        group.currentPartitionEpoch(topicId, partition) !== undefined,
    ),
  )
}

/** What the member has, in the version of the consumer protocol that it speaks. */
function assignmentOf({ assignedPartitions, classicMemberMetadata }: ClassicMember, image: MetadataImage): Buffer {
  const metadata = classicMemberMetadata.supportedProtocols[0]?.metadata
  const version = metadata === undefined ? CONSUMER_PROTOCOL_VERSION : consumerProtocolVersion(metadata)
  const named = { assignedPartitions: namedPartitions(assignedPartitions, image) }
  return encodeAssignment(named, Math.min(version, CONSUMER_PROTOCOL_VERSION))
}
