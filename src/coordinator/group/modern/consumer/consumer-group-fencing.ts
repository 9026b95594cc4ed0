import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { computeMetadataHash } from '../metadata-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import { groupEpochRecord, memberTombstones } from './consumer-group-records.ts'
import { cancelMemberTimers } from './consumer-group-timers.ts'

/** What must be written to take a member out: what it has is free, and a new epoch of the group begins. */
export function fenceMember(
  group: ConsumerGroup,
  { memberId }: ConsumerGroupMember,
  image: MetadataImage,
  timer: CoordinatorTimer<GroupCoordinatorRecord>,
): GroupCoordinatorRecord[] {
  const { groupId } = group
  cancelMemberTimers(timer, groupId, memberId)
  const others = group.members.filter(other => other.memberId !== memberId)
  const topics = new Set(others.flatMap(other => group.subscribedTopicNames(other)))
  const epoch = groupEpochRecord(groupId, group.groupEpoch + 1, computeMetadataHash(topics, image))
  return [...memberTombstones(groupId, memberId), epoch]
}
