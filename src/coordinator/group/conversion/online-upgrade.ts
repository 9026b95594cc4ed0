import type { MetadataImage } from '../../../controller/image/metadata-image.ts'
import {
  type ConsumerProtocolAssignment,
  type ConsumerProtocolSubscription,
  decodeAssignment,
  decodeSubscription,
} from '../../../protocol/consumer-protocol.ts'
import { ApiError, ErrorCode } from '../../../protocol/errors.ts'
import { ProtocolError } from '../../../protocol/protocol-error.ts'
import type { SnapshotRegistry } from '../../common/snapshot-registry.ts'
import type { ClassicGroup } from '../classic/classic-group.ts'
import type { ClassicGroupMember } from '../classic/classic-group-member.ts'
import { answerWaitingMembers } from '../classic/classic-group-unload.ts'
import type { GroupCoordinatorConfig } from '../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import { ConsumerGroup } from '../modern/consumer/consumer-group.ts'
import {
  type ConsumerGroupMember,
  newConsumerGroupMember,
  sortedNames,
} from '../modern/consumer/consumer-group-member.ts'
import {
  currentAssignmentRecord,
  groupEpochRecord,
  memberSubscriptionRecord,
  targetAssignmentEpochRecord,
  targetAssignmentRecord,
} from '../modern/consumer/consumer-group-records.ts'
import { computeMetadataHash } from '../modern/metadata-hash.ts'
import { partitionsById } from './consumer-protocol-partitions.ts'
import { isUpgradeEnabled } from './group-migration-policy.ts'

/** @throws ApiError GROUP_ID_NOT_FOUND unless the classic group may become a consumer group (GroupMetadataManager.validateOnlineUpgrade) */
export function validateOnlineUpgrade(group: ClassicGroup, config: GroupCoordinatorConfig): void {
  if (!isUpgradeEnabled(config.consumerGroupMigrationPolicy)) throw cannotUpgrade(group, 'online upgrade is disabled.')
  if (!group.usesConsumerGroupProtocol) {
    throw cannotUpgrade(group, 'the group does not use the consumer embedded protocol.')
  }
  if (group.numMembers > config.consumerGroupMaxSize) {
    throw cannotUpgrade(group, 'the group size exceeds the consumer group maximum size.')
  }
}

/**
 * The consumer group that a classic group becomes, with all its members, as members of the classic protocol, and what they
 * have (GroupMetadataManager.convertToConsumerGroup). Adds what must be written; the group is there once that is applied. Who
 * waits for the classic group is told to join again: whoever brings this about begins a new epoch.
 *
 * @throws ApiError GROUP_ID_NOT_FOUND when what the members say cannot be read, or would be lost; UNKNOWN_SERVER_ERROR when the
 *   classic group has not come to its first generation, or its assignment gives a partition to two members
 */
export function convertToConsumerGroup(
  classicGroup: ClassicGroup,
  snapshotRegistry: SnapshotRegistry,
  image: MetadataImage,
  records: GroupCoordinatorRecord[],
): ConsumerGroup {
  answerWaitingMembers(classicGroup, ErrorCode.REBALANCE_IN_PROGRESS)
  classicGroup.createGroupTombstoneRecords(records)
  const group = consumerGroupOf(classicGroup, snapshotRegistry, image)
  const { groupId, groupEpoch, members } = group
  records.push(
    ...members.map(member => memberSubscriptionRecord(groupId, member)),
    groupEpochRecord(groupId, groupEpoch, group.metadataHash),
    ...members.map(member => targetAssignmentRecord(groupId, member.memberId, member.assignedPartitions)),
    targetAssignmentEpochRecord(groupId, groupEpoch),
    ...members.map(member => currentAssignmentRecord(groupId, member)),
  )
  return group
}

/** ConsumerGroup.fromClassicGroup. */
function consumerGroupOf(
  classicGroup: ClassicGroup,
  snapshotRegistry: SnapshotRegistry,
  image: MetadataImage,
): ConsumerGroup {
  const { groupId, generationId } = classicGroup
  const members = classicGroup.members.map(member => consumerGroupMemberOf(classicGroup, member, image))
  throwIfSharedPartitions(groupId, members)
  const group = new ConsumerGroup(snapshotRegistry, groupId)
  const topics = new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames))
  group.setGroupEpoch(generationId, computeMetadataHash(topics, image))
  group.setAssignmentEpoch(generationId)
  for (const member of members) {
    group.setTargetAssignment(member.memberId, member.assignedPartitions)
    group.updateMember(member)
  }
  return group
}

function consumerGroupMemberOf(
  group: ClassicGroup,
  member: ClassicGroupMember,
  image: MetadataImage,
): ConsumerGroupMember {
  const { subscription, assignment } = readMember(group, member)
  // A member that has never synced has nothing.
  if (assignment?.userData?.length) {
    throw cannotUpgrade(
      group,
      'an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor ' +
        'before re-attempting the upgrade.',
    )
  }
  return {
    ...newConsumerGroupMember(member.memberId),
    memberEpoch: group.generationId,
    previousMemberEpoch: group.generationId,
    state: 'STABLE',
    assignedPartitions: partitionsById(assignment?.assignedPartitions ?? [], image),
    instanceId: member.groupInstanceId ?? null,
    rackId: subscription.rackId || null,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: sortedNames(subscription.topics),
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    classicMemberMetadata: {
      sessionTimeoutMs: member.sessionTimeoutMs,
      supportedProtocols: member.supportedProtocols.map(({ name, metadata }) => ({ name, metadata })),
    },
  }
}

interface ReadMember {
  readonly subscription: ConsumerProtocolSubscription
  /** Undefined: it has none. */
  readonly assignment: ConsumerProtocolAssignment | undefined
}

function readMember(group: ClassicGroup, member: ClassicGroupMember): ReadMember {
  const { groupId, protocolName } = group
  if (protocolName === undefined) {
    throw new ApiError(ErrorCode.UNKNOWN_SERVER_ERROR, `Classic group ${groupId} has not chosen a protocol yet.`)
  }
  try {
    return {
      subscription: decodeSubscription(member.metadata(protocolName)),
      assignment: member.hasAssignment ? decodeAssignment(member.assignment) : undefined,
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw cannotUpgrade(group, 'the embedded consumer protocol is malformed.')
  }
}

/** Members of a classic group may be assigned whatever their leader likes; in a consumer group no two have a partition. */
function throwIfSharedPartitions(groupId: string, members: readonly ConsumerGroupMember[]): void {
  const owners = new Map<string, string>()
  for (const { memberId, assignedPartitions } of members) {
    for (const [topicId, partitions] of assignedPartitions) {
      for (const partition of partitions) {
        const other = owners.get(`${topicId}-${partition}`)
        if (other !== undefined) {
          throw new ApiError(
            ErrorCode.UNKNOWN_SERVER_ERROR,
            `Members ${other} and ${memberId} of classic group ${groupId} both have partition ${partition} of topic ${topicId}.`,
          )
        }
        owners.set(`${topicId}-${partition}`, memberId)
      }
    }
  }
}

function cannotUpgrade({ groupId }: ClassicGroup, reason: string): ApiError {
  return new ApiError(
    ErrorCode.GROUP_ID_NOT_FOUND,
    `Cannot upgrade classic group ${groupId} to consumer group because ${reason}`,
  )
}
