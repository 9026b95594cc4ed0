import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  LEAVE_GROUP_MEMBER_EPOCH,
  leftMember,
  partitionsByTopic,
  withCurrentAssignment,
  withMetadata,
} from './consumer-group-member.ts'
import type { ConsumerGroups } from './consumer-groups.ts'

/** The records of consumer groups. */
export type ConsumerGroupRecord = Exclude<GroupCoordinatorRecord, { type: 'OffsetCommit' | 'GroupMetadata' }>

/**
 * Applies a record to its group (GroupMetadataManager.replay). The first one that has a value makes the group. Tombstones of
 * what is not there, as compaction leaves them, say nothing. @throws Error when a tombstone comes before what must precede it
 */
export function replayConsumerGroupRecord(groups: ConsumerGroups, record: ConsumerGroupRecord): void {
  const { groupId } = record.key
  const group = record.value === null ? groups.find(groupId) : groups.getOrCreatePersisted(groupId)
  if (group === undefined) return
  switch (record.type) {
    case 'ConsumerGroupMetadata':
      if (record.value === null) removeGroup(groups, group)
      else group.setGroupEpoch(record.value.epoch, record.value.metadataHash)
      return
    case 'ConsumerGroupPartitionMetadata':
      group.setHasSubscriptionMetadataRecord(record.value !== null)
      return
    case 'ConsumerGroupMemberMetadata':
      replayMemberMetadata(group, record)
      return
    case 'ConsumerGroupTargetAssignmentMetadata':
      group.setAssignmentEpoch(record.value === null ? -1 : record.value.assignmentEpoch)
      return
    case 'ConsumerGroupTargetAssignmentMember': {
      const target = record.value === null ? undefined : partitionsByTopic(record.value.topicPartitions)
      group.setTargetAssignment(record.key.memberId, target)
      return
    }
    case 'ConsumerGroupCurrentMemberAssignment':
      replayCurrentAssignment(group, record)
      return
    case 'ConsumerGroupRegularExpression':
      group.setRegularExpression(record.key.regularExpression, record.value)
      return
  }
}

function removeGroup(groups: ConsumerGroups, group: ConsumerGroup): void {
  if (group.numMembers > 0 || group.assignmentEpoch !== -1) {
    throw new Error(`group ${group.groupId} is deleted but has members or a target assignment still`)
  }
  groups.remove(group.groupId)
}

function replayMemberMetadata(
  group: ConsumerGroup,
  { key: { memberId }, value }: Extract<ConsumerGroupRecord, { type: 'ConsumerGroupMemberMetadata' }>,
): void {
  if (value !== null) {
    group.updateMember(withMetadata(group.getOrCreateMember(memberId), value))
    return
  }
  if (!group.hasMember(memberId)) return
  const { memberEpoch } = group.member(memberId)
  if (memberEpoch !== LEAVE_GROUP_MEMBER_EPOCH || group.targetAssignment(memberId) !== undefined) {
    throw new Error(`member ${memberId} of group ${group.groupId} is deleted but has an assignment still`)
  }
  group.removeMember(memberId)
}

function replayCurrentAssignment(
  group: ConsumerGroup,
  { key: { memberId }, value }: Extract<ConsumerGroupRecord, { type: 'ConsumerGroupCurrentMemberAssignment' }>,
): void {
  if (value !== null) group.updateMember(withCurrentAssignment(group.getOrCreateMember(memberId), value))
  else if (group.hasMember(memberId)) group.updateMember(leftMember(group.member(memberId)))
}
