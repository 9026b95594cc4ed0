import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import type { Clock } from '../../../../runtime/runtime.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import type { GroupCoordinatorConfig } from '../../group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { type ConsumerGroupMember, sameCurrentAssignment } from './consumer-group-member.ts'
import { currentAssignmentRecord } from './consumer-group-records.ts'
import type { ConsumerGroupTimers } from './consumer-group-timers.ts'
import { reconcile } from './current-assignment-builder.ts'
import { updateGroupEpoch } from './group-epoch.ts'
import { updateTargetAssignment } from './update-target-assignment.ts'

/** What a member is to have, in which epoch. */
export interface Target {
  readonly epoch: number
  readonly partitions: PartitionsByTopic
}

/** What a request says of the member that sent it. */
export interface MemberState {
  /** Whether what it reads has changed with this request. */
  readonly hasSubscriptionChanged: boolean
  /** What it says that it has; undefined: it has not said. */
  readonly owned: PartitionsByTopic | undefined
}

export interface ConsumerGroupRebalancerOptions {
  readonly time: Clock
  readonly config: GroupCoordinatorConfig
  readonly timers: ConsumerGroupTimers
  readonly image: () => MetadataImage
}

/**
 * Leads the members of consumer groups from epoch to epoch, one step with each request of a member, in whichever protocol it
 * came (GroupMetadataManager.consumerGroupHeartbeat, classicGroupJoinToConsumerGroup). Each step adds what must be written.
 */
export class ConsumerGroupRebalancer {
  readonly #time: Clock
  readonly #config: GroupCoordinatorConfig
  readonly #timers: ConsumerGroupTimers
  readonly #image: () => MetadataImage

  constructor({ time, config, timers, image }: ConsumerGroupRebalancerOptions) {
    this.#time = time
    this.#config = config
    this.#timers = timers
    this.#image = image
  }

  /** The epoch of the group, a new one if it must be or if what its members read has changed. */
  epoch(
    group: ConsumerGroup,
    updated: ConsumerGroupMember,
    mustBump: boolean,
    records: GroupCoordinatorRecord[],
  ): number {
    const nowMs = this.#time.wallMs()
    if (!mustBump && !group.hasMetadataExpired(nowMs)) return group.groupEpoch
    return updateGroupEpoch(group, updated, mustBump, this.#image(), nowMs, records)
  }

  /** What the member is to have in the group's epoch. @throws ApiError UNKNOWN_SERVER_ERROR when the assignor has failed */
  target(
    group: ConsumerGroup,
    groupEpoch: number,
    updated: ConsumerGroupMember,
    records: GroupCoordinatorRecord[],
  ): Target {
    if (groupEpoch <= group.assignmentEpoch) return this.presentTarget(group, updated)
    const { consumerGroupAssignors } = this.#config
    const image = this.#image()
    return {
      epoch: groupEpoch,
      partitions: updateTargetAssignment(group, groupEpoch, updated, consumerGroupAssignors, image, records),
    }
  }

  /** The same as it stands, whatever the group's epoch is. */
  presentTarget(group: ConsumerGroup, updated: ConsumerGroupMember): Target {
    return { epoch: group.assignmentEpoch, partitions: group.targetAssignmentOf(updated) }
  }

  /** The member with what it has after its next step towards the target. @throws ApiError FENCED_MEMBER_EPOCH */
  reconcile(
    group: ConsumerGroup,
    updated: ConsumerGroupMember,
    target: Target,
    { hasSubscriptionChanged, owned }: MemberState,
    records: GroupCoordinatorRecord[],
  ): ConsumerGroupMember {
    const { groupId } = group
    const reconciled = {
      ...updated,
      ...reconcile(updated, {
        targetAssignmentEpoch: target.epoch,
        targetAssignment: target.partitions,
        subscribedTopicIds: this.#topicIds(group.subscribedTopicNames(updated)),
        hasSubscriptionChanged,
        ownedPartitions: owned,
        currentPartitionEpoch: (topicId, partition) => group.currentPartitionEpoch(topicId, partition),
      }),
    }
    if (sameCurrentAssignment(reconciled, updated)) return updated
    records.push(currentAssignmentRecord(groupId, reconciled))
    // A member of the classic protocol has other timers: for joining again, and for the sync that follows.
    if (reconciled.classicMemberMetadata === null) {
      if (reconciled.state === 'UNREVOKED_PARTITIONS') this.#timers.scheduleRebalance(groupId, reconciled)
      else this.#timers.cancelRebalance(groupId, reconciled.memberId)
    }
    return reconciled
  }

  #topicIds(names: readonly string[]): ReadonlySet<string> {
    return new Set(names.flatMap(name => this.#image().topics.getTopic(name)?.id ?? []))
  }
}
