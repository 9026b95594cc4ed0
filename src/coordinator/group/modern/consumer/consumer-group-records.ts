import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import type { ConsumerGroupRegularExpressionValue, GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { type ConsumerGroupMember, memberStateNumber, topicPartitionsOf } from './consumer-group-member.ts'

/*
 * What is written of consumer groups (GroupCoordinatorRecordHelpers). A group or member goes away by tombstones for all that
 * was written of it, what it has first.
 */

export function groupEpochRecord(groupId: string, epoch: number, metadataHash: bigint): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupMetadata', key: { groupId }, value: { epoch, metadataHash } }
}

export function memberSubscriptionRecord(groupId: string, member: ConsumerGroupMember): GroupCoordinatorRecord {
  const { memberId, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, serverAssignor } = member
  const { subscribedTopicRegex, classicMemberMetadata } = member
  const subscribedTopicNames = [...member.subscribedTopicNames]
  return {
    type: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId },
    value: {
      instanceId,
      rackId,
      clientId,
      clientHost,
      subscribedTopicNames,
      subscribedTopicRegex,
      rebalanceTimeoutMs,
      serverAssignor,
      classicMemberMetadata,
    },
  }
}

export function targetAssignmentRecord(
  groupId: string,
  memberId: string,
  partitions: PartitionsByTopic,
): GroupCoordinatorRecord {
  const value = { topicPartitions: topicPartitionsOf(partitions) }
  return { type: 'ConsumerGroupTargetAssignmentMember', key: { groupId, memberId }, value }
}

export function targetAssignmentEpochRecord(groupId: string, assignmentEpoch: number): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId }, value: { assignmentEpoch } }
}

export function currentAssignmentRecord(groupId: string, member: ConsumerGroupMember): GroupCoordinatorRecord {
  const { memberId, memberEpoch, previousMemberEpoch } = member
  return {
    type: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId },
    value: {
      memberEpoch,
      previousMemberEpoch,
      state: memberStateNumber(member.state),
      assignedPartitions: topicPartitionsOf(member.assignedPartitions),
      partitionsPendingRevocation: topicPartitionsOf(member.partitionsPendingRevocation),
    },
  }
}

/** `topics` sorted; `version` of the metadata image that they were found in, `timestamp` wall-clock milliseconds. */
export function regularExpressionRecord(
  groupId: string,
  regularExpression: string,
  value: ConsumerGroupRegularExpressionValue,
): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupRegularExpression', key: { groupId, regularExpression }, value }
}

export function regularExpressionTombstone(groupId: string, regularExpression: string): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupRegularExpression', key: { groupId, regularExpression }, value: null }
}

/** Forgets what Kafka wrote before 4.1. */
export function subscriptionMetadataTombstone(groupId: string): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupPartitionMetadata', key: { groupId }, value: null }
}

export function memberTombstones(groupId: string, memberId: string): GroupCoordinatorRecord[] {
  return [
    currentAssignmentTombstone(groupId, memberId),
    targetAssignmentTombstone(groupId, memberId),
    memberSubscriptionTombstone(groupId, memberId),
  ]
}

/** `regexes`: all that were resolved for the group. */
export function groupTombstones(
  groupId: string,
  memberIds: readonly string[],
  regexes: readonly string[],
): GroupCoordinatorRecord[] {
  return [
    ...memberIds.map(memberId => currentAssignmentTombstone(groupId, memberId)),
    ...memberIds.map(memberId => targetAssignmentTombstone(groupId, memberId)),
    { type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId }, value: null },
    ...memberIds.map(memberId => memberSubscriptionTombstone(groupId, memberId)),
    ...regexes.map(regex => regularExpressionTombstone(groupId, regex)),
    subscriptionMetadataTombstone(groupId),
    { type: 'ConsumerGroupMetadata', key: { groupId }, value: null },
  ]
}

function currentAssignmentTombstone(groupId: string, memberId: string): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupCurrentMemberAssignment', key: { groupId, memberId }, value: null }
}

function targetAssignmentTombstone(groupId: string, memberId: string): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupTargetAssignmentMember', key: { groupId, memberId }, value: null }
}

function memberSubscriptionTombstone(groupId: string, memberId: string): GroupCoordinatorRecord {
  return { type: 'ConsumerGroupMemberMetadata', key: { groupId, memberId }, value: null }
}
