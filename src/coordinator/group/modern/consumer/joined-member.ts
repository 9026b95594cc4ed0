import type { ConsumerGroupHeartbeatRequest } from '../../../../protocol/apis/consumer-group-heartbeat.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import { isSubset, NO_PARTITIONS } from '../../assignor/partitions.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, LEAVE_GROUP_STATIC_MEMBER_EPOCH } from './consumer-group-member.ts'
import {
  currentAssignmentRecord,
  memberSubscriptionRecord,
  memberTombstones,
  targetAssignmentRecord,
} from './consumer-group-records.ts'

type Heartbeat = Pick<ConsumerGroupHeartbeatRequest, 'memberId' | 'memberEpoch' | 'instanceId'>

/**
 * The member that sends a heartbeat, a new one if it joins (GroupMetadataManager.getOrMaybeSubscribe…ConsumerGroupMember). Adds
 * what must be written if it takes the place of the static member of its name.
 * @throws ApiError UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID, UNRELEASED_INSTANCE_ID
 */
export function joinedMember(
  group: ConsumerGroup,
  { memberId, memberEpoch, instanceId }: Heartbeat,
  owned: PartitionsByTopic | undefined,
  records: GroupCoordinatorRecord[],
): ConsumerGroupMember {
  const joins = memberEpoch === 0
  if (instanceId === null) {
    const member = joins ? group.getOrCreateMember(memberId) : group.member(memberId)
    throwIfMemberEpochIsInvalid(member, memberEpoch, owned)
    return member
  }
  const existing = group.staticMember(instanceId)
  if (!joins) {
    if (existing === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
    }
    throwIfInstanceIdIsFenced(existing, memberId, instanceId)
    throwIfMemberEpochIsInvalid(existing, memberEpoch, owned)
    return existing
  }
  if (existing === undefined) return group.getOrCreateMember(memberId)
  // One of the classic protocol does not say that it leaves for a while.
  if (existing.classicMemberMetadata === null) throwIfInstanceIdIsUnreleased(existing, memberId, instanceId)
  return replacingMember(group, existing, memberId, records)
}

/**
 * The same for the JoinGroup of a member that speaks the classic protocol: it is not asked for its epoch, and takes the name of a
 * static member at once when it comes without an id. @throws ApiError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID
 */
export function joinedClassicMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
  isUnknown: boolean,
  records: GroupCoordinatorRecord[],
): ConsumerGroupMember {
  if (instanceId === null) return group.getOrCreateMember(memberId)
  const existing = group.staticMember(instanceId)
  if (isUnknown) {
    return existing === undefined
      ? group.getOrCreateMember(memberId)
      : replacingMember(group, existing, memberId, records)
  }
  if (existing === undefined) throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`)
  throwIfInstanceIdIsFenced(existing, memberId, instanceId)
  return existing
}

function replacingMember(
  group: ConsumerGroup,
  existing: ConsumerGroupMember,
  memberId: string,
  records: GroupCoordinatorRecord[],
): ConsumerGroupMember {
  const replacing = { ...existing, memberId, memberEpoch: 0, previousMemberEpoch: 0 }
  records.push(...replaceMember(group, existing, replacing))
  return replacing
}

/** @throws ApiError FENCED_INSTANCE_ID when another member has this name */
export function throwIfInstanceIdIsFenced(member: ConsumerGroupMember, memberId: string, instanceId: string): void {
  if (member.memberId === memberId) return
  throw new ApiError(
    ErrorCode.FENCED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`,
  )
}

/** Timers of the one before stay: should this be undone they count again, else they find nobody. */
function replaceMember(
  group: ConsumerGroup,
  before: ConsumerGroupMember,
  after: ConsumerGroupMember,
): GroupCoordinatorRecord[] {
  const { groupId } = group
  return [
    ...memberTombstones(groupId, before.memberId),
    memberSubscriptionRecord(groupId, after),
    targetAssignmentRecord(groupId, after.memberId, group.targetAssignment(before.memberId) ?? NO_PARTITIONS),
    currentAssignmentRecord(groupId, after),
  ]
}

function throwIfInstanceIdIsUnreleased(member: ConsumerGroupMember, memberId: string, instanceId: string): void {
  if (member.memberEpoch === LEAVE_GROUP_STATIC_MEMBER_EPOCH) return
  throw new ApiError(
    ErrorCode.UNRELEASED_INSTANCE_ID,
    `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned ` +
      `by ${member.memberId} member.`,
  )
}

/** A member may come with the epoch before: the answer that told it of its new one may have been lost. */
function throwIfMemberEpochIsInvalid(
  member: ConsumerGroupMember,
  received: number,
  owned: PartitionsByTopic | undefined,
): void {
  if (received === 0 || received === member.memberEpoch) return
  const missedAnswer =
    received < member.memberEpoch &&
    received === member.previousMemberEpoch &&
    owned !== undefined &&
    isSubset(owned, member.assignedPartitions)
  if (missedAnswer) return
  const comparison = received > member.memberEpoch ? 'greater' : 'smaller'
  throw new ApiError(
    ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${comparison} member epoch (${received}) than the one known by the group ` +
      `coordinator (${member.memberEpoch}). The member must abandon all its partitions and rejoin.`,
  )
}
