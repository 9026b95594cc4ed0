import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { computeMetadataHash } from '../metadata-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import { groupEpochRecord, subscriptionMetadataTombstone } from './consumer-group-records.ts'
import { membersWith } from './group-members.ts'

/** Kafka's METADATA_REFRESH_INTERVAL_MS: in effect only changes make groups look at their topics again. */
export const METADATA_REFRESH_INTERVAL_MS = 2_147_483_647

/**
 * Looks at what the group reads, with this member as it is now, and begins a new epoch if that has changed or if it must be
 * (GroupMetadataManager.updateSubscriptionMetadata). Returns the group's epoch.
 */
export function updateGroupEpoch(
  group: ConsumerGroup,
  updated: ConsumerGroupMember,
  mustBump: boolean,
  image: MetadataImage,
  nowMs: number,
  records: GroupCoordinatorRecord[],
): number {
  const topics = [...membersWith(group, updated).values()].flatMap(member => group.subscribedTopicNames(member))
  const metadataHash = computeMetadataHash(new Set(topics), image)
  const bumps = mustBump || metadataHash !== group.metadataHash
  const groupEpoch = group.groupEpoch + (bumps ? 1 : 0)
  if (bumps) records.push(groupEpochRecord(group.groupId, groupEpoch, metadataHash))
  group.setMetadataRefreshDeadline(nowMs + METADATA_REFRESH_INTERVAL_MS, groupEpoch)
  if (group.hasSubscriptionMetadataRecord) records.push(subscriptionMetadataTombstone(group.groupId))
  return groupEpoch
}
