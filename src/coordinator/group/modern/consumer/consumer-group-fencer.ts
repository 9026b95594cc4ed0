import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { CoordinatorResult } from '../../../common/coordinator-result.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { OnlineDowngrade } from '../../conversion/online-downgrade.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { computeMetadataHash } from '../metadata-hash.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'
import { groupEpochRecord, memberTombstones, regularExpressionTombstone } from './consumer-group-records.ts'
import { cancelMemberTimers } from './consumer-group-timers.ts'
import { regexesOnlyOf } from './regex-subscriptions.ts'

/** Takes members out of consumer groups (GroupMetadataManager.consumerGroupFenceMembers). */
export class ConsumerGroupFencer {
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly #downgrade: OnlineDowngrade
  readonly #image: () => MetadataImage

  constructor(timer: CoordinatorTimer<GroupCoordinatorRecord>, downgrade: OnlineDowngrade, image: () => MetadataImage) {
    this.#timer = timer
    this.#downgrade = downgrade
    this.#image = image
  }

  /**
   * What these members have is free, and a new epoch of the group begins. With the last member of the consumer protocol the
   * group becomes a classic one again, where that is allowed.
   */
  fence<T>(
    group: ConsumerGroup,
    members: readonly ConsumerGroupMember[],
    response: T,
  ): CoordinatorResult<T, GroupCoordinatorRecord> {
    if (members.length === 0) return { records: [], response }
    const records: GroupCoordinatorRecord[] = []
    if (this.#downgrade.isDueWithout(group, members)) {
      this.#downgrade.convert(group, { leaving: members }, this.#image(), records)
      return { records, response, replayRecords: false }
    }
    const { groupId } = group
    const leaving = new Set(members.map(({ memberId }) => memberId))
    const others = group.members.filter(({ memberId }) => !leaving.has(memberId))
    for (const memberId of leaving) records.push(...memberTombstones(groupId, memberId))
    for (const regex of regexesOnlyOf(group, members)) records.push(regularExpressionTombstone(groupId, regex))
    const topics = new Set(others.flatMap(other => group.subscribedTopicNames(other)))
    records.push(groupEpochRecord(groupId, group.groupEpoch + 1, computeMetadataHash(topics, this.#image())))
    for (const memberId of leaving) cancelMemberTimers(this.#timer, groupId, memberId)
    return { records, response }
  }
}
