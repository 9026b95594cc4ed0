import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import { addPartition, copyOf, type MutablePartitions } from '../../assignor/partitions.ts'
import type { CurrentAssignment } from './current-assignment.ts'

/** What a member is led to, and what is known of it and of the others. */
export interface Reconciliation {
  readonly targetAssignmentEpoch: number
  readonly targetAssignment: PartitionsByTopic
  /** Topics that exist and that the member reads now, by name or by a pattern that has been resolved. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** Whether these have changed with this heartbeat. */
  readonly hasSubscriptionChanged: boolean
  /** What the member says that it has; undefined: it has not said. */
  readonly ownedPartitions: PartitionsByTopic | undefined
  /** The epoch of the member who has a partition or is yet to give it up; undefined: it is free. */
  currentPartitionEpoch(topicId: string, partition: number): number | undefined
}

/**
 * The next step of a member towards its target (Kafka's CurrentAssignmentBuilder, KIP-848): first it gives up what it is to
 * have no more, then it goes to the target's epoch with what it may have already, and then it waits for what others have yet to
 * give up. So no partition is with two members at a time. Returns `current` itself when there is nothing to change.
 *
 * @throws ApiError FENCED_MEMBER_EPOCH when its state is not known: it is to give up everything and join again
 */
export function reconcile(current: CurrentAssignment, to: Reconciliation): CurrentAssignment {
  switch (current.state) {
    case 'STABLE':
      if (current.memberEpoch !== to.targetAssignmentEpoch) return nextAssignment(current, current.memberEpoch, to)
      return to.hasSubscriptionChanged ? withoutUnsubscribed(current, to) : current
    case 'UNREVOKED_PARTITIONS':
      if (!ownsAnyOf(current.partitionsPendingRevocation, to)) return nextAssignment(current, current.memberEpoch, to)
      return to.hasSubscriptionChanged ? withoutUnsubscribed(current, to) : current
    case 'UNRELEASED_PARTITIONS':
      return nextAssignment(current, current.memberEpoch, to)
    case 'UNKNOWN':
      if (to.ownedPartitions === undefined || to.ownedPartitions.size > 0) {
        throw new ApiError(
          ErrorCode.FENCED_MEMBER_EPOCH,
          'The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin.',
        )
      }
      return nextAssignment(current, to.targetAssignmentEpoch, to)
  }
}

/** Whether the member has any of these still; it is taken to as long as it has not said what it has. */
function ownsAnyOf(partitions: PartitionsByTopic, { ownedPartitions }: Reconciliation): boolean {
  if (ownedPartitions === undefined) return true
  return [...ownedPartitions].some(([topicId, owned]) => {
    const numbers = partitions.get(topicId)
    return numbers !== undefined && [...owned].some(partition => numbers.has(partition))
  })
}

/** Takes away the topics that the member does not read any more, without waiting for a new target. */
function withoutUnsubscribed(current: CurrentAssignment, to: Reconciliation): CurrentAssignment {
  const assignedPartitions = copyOf(current.assignedPartitions)
  const partitionsPendingRevocation = copyOf(current.partitionsPendingRevocation)
  for (const [topicId, partitions] of current.assignedPartitions) {
    if (to.subscribedTopicIds.has(topicId)) continue
    assignedPartitions.delete(topicId)
    for (const partition of partitions) addPartition(partitionsPendingRevocation, topicId, partition)
  }
  if (assignedPartitions.size === current.assignedPartitions.size) return current
  if (!ownsAnyOf(partitionsPendingRevocation, to)) return { ...current, assignedPartitions }
  return { ...current, state: 'UNREVOKED_PARTITIONS', assignedPartitions, partitionsPendingRevocation }
}

function nextAssignment(current: CurrentAssignment, memberEpoch: number, to: Reconciliation): CurrentAssignment {
  const { kept, pendingRevocation, pendingAssignment, hasUnreleased } = compare(current, to)
  if (pendingRevocation.size > 0 && ownsAnyOf(pendingRevocation, to)) {
    return {
      state: 'UNREVOKED_PARTITIONS',
      memberEpoch,
      previousMemberEpoch: current.memberEpoch,
      assignedPartitions: kept,
      partitionsPendingRevocation: pendingRevocation,
    }
  }
  for (const [topicId, partitions] of pendingAssignment) {
    for (const partition of partitions) addPartition(kept, topicId, partition)
  }
  return {
    state: hasUnreleased ? 'UNRELEASED_PARTITIONS' : 'STABLE',
    memberEpoch: to.targetAssignmentEpoch,
    previousMemberEpoch: current.memberEpoch,
    assignedPartitions: kept,
    partitionsPendingRevocation: new Map(),
  }
}

interface Comparison {
  /** It has these and is to have them. */
  readonly kept: MutablePartitions
  /** It has these and is not to have them. */
  readonly pendingRevocation: MutablePartitions
  /** It is to have these, and they are free. */
  readonly pendingAssignment: MutablePartitions
  /** Whether it is to have others too, which are not free. */
  readonly hasUnreleased: boolean
}

function compare(current: CurrentAssignment, to: Reconciliation): Comparison {
  const kept: MutablePartitions = new Map()
  const pendingRevocation: MutablePartitions = new Map()
  const pendingAssignment: MutablePartitions = new Map()
  let hasUnreleased = false
  const target = new Map([...to.targetAssignment].filter(([topicId]) => to.subscribedTopicIds.has(topicId)))
  for (const [topicId, partitions] of current.assignedPartitions) {
    for (const partition of partitions) {
      addPartition(target.get(topicId)?.has(partition) === true ? kept : pendingRevocation, topicId, partition)
    }
  }
  for (const [topicId, partitions] of target) {
    for (const partition of partitions) {
      if (kept.get(topicId)?.has(partition) === true) continue
      // What the member itself has yet to give up is free for it: only one member at a time has a partition.
      const isItsOwn = current.partitionsPendingRevocation.get(topicId)?.has(partition) === true
      if (isItsOwn || to.currentPartitionEpoch(topicId, partition) === undefined) {
        addPartition(pendingAssignment, topicId, partition)
      } else {
        hasUnreleased = true
      }
    }
  }
  return { kept, pendingRevocation, pendingAssignment, hasUnreleased }
}
