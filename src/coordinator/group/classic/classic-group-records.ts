import type { GroupCoordinatorRecord, GroupMetadataValue } from '../group-coordinator-records.ts'
import type { ClassicGroup } from './classic-group.ts'

/**
 * The record of a group as it is now, but with these assignments, by member id (Kafka's
 * GroupCoordinatorRecordHelpers.newGroupMetadataRecord). @throws Error when a member has none
 */
export function groupMetadataRecord(
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Buffer>,
): GroupCoordinatorRecord {
  const { groupId, protocolName } = group
  const members = group.members.map((member): GroupMetadataValue['members'][number] => {
    const assignment = assignments.get(member.memberId)
    if (protocolName === undefined || assignment === undefined) {
      throw new Error(`member ${member.memberId} of group ${groupId} cannot be written without protocol and assignment`)
    }
    return {
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId ?? null,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.metadata(protocolName),
      assignment,
    }
  })
  return {
    type: 'GroupMetadata',
    key: { group: groupId },
    value: {
      protocolType: group.protocolType ?? '',
      generation: group.generationId,
      protocol: protocolName ?? null,
      leader: group.leaderId ?? null,
      currentStateTimestamp: group.currentStateTimestamp ?? -1,
      members,
    },
  }
}

/** The record of a group that was just made, whatever has come to it since. */
export function emptyGroupMetadataRecord(group: ClassicGroup): GroupCoordinatorRecord {
  return {
    type: 'GroupMetadata',
    key: { group: group.groupId },
    value: {
      protocolType: '',
      generation: 0,
      protocol: null,
      leader: null,
      currentStateTimestamp: group.currentStateTimestamp ?? -1,
      members: [],
    },
  }
}

/** The group is gone. */
export function groupMetadataTombstone(groupId: string): GroupCoordinatorRecord {
  return { type: 'GroupMetadata', key: { group: groupId }, value: null }
}
