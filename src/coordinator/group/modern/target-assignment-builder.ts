import type { MetadataImage } from '../../../controller/image/metadata-image.ts'
import type {
  AssignorMember,
  ConsumerGroupPartitionAssignor,
  PartitionsByTopic,
  SubscriptionType,
} from '../assignor/consumer-group-partition-assignor.ts'
import { NO_PARTITIONS, samePartitions } from '../assignor/partitions.ts'
import type { GroupCoordinatorRecord } from '../group-coordinator-records.ts'
import { targetAssignmentEpochRecord, targetAssignmentRecord } from './consumer/consumer-group-records.ts'

/** A member of whom a target is made. */
export interface TargetedMember {
  readonly instanceId: string | null
  /** Topics that exist. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** What it, or the static member whose place it takes, was to have until now. */
  readonly assignedPartitions: PartitionsByTopic
}

export interface TargetAssignmentInput {
  readonly groupId: string
  readonly groupEpoch: number
  readonly members: ReadonlyMap<string, TargetedMember>
  readonly subscriptionType: SubscriptionType
  readonly image: MetadataImage
  /** What is written of each member's target. */
  currentTarget(memberId: string): PartitionsByTopic | undefined
}

export interface TargetAssignmentResult {
  /** What has changed, and the epoch. */
  readonly records: readonly GroupCoordinatorRecord[]
  target(memberId: string): PartitionsByTopic
}

/**
 * What each member of a group is to have in an epoch of the group (Kafka's TargetAssignmentBuilder, KIP-848).
 * @throws PartitionAssignorError
 */
export function buildTargetAssignment(
  assignor: ConsumerGroupPartitionAssignor,
  { groupId, groupEpoch, members, subscriptionType, image, currentTarget }: TargetAssignmentInput,
): TargetAssignmentResult {
  const specs = new Map([...members].map(([memberId, member]): [string, AssignorMember] => [memberId, specOf(member)]))
  const assignment = assignor.assign(
    { members: specs, subscriptionType },
    { numPartitions: topicId => image.topics.getTopicById(topicId)?.partitions.size },
  )
  const target = (memberId: string) => assignment.get(memberId) ?? NO_PARTITIONS
  const records: GroupCoordinatorRecord[] = []
  for (const memberId of members.keys()) {
    const before = currentTarget(memberId)
    if (before !== undefined && samePartitions(before, target(memberId))) continue
    records.push(targetAssignmentRecord(groupId, memberId, target(memberId)))
  }
  records.push(targetAssignmentEpochRecord(groupId, groupEpoch))
  return { records, target }
}

function specOf({ instanceId, subscribedTopicIds, assignedPartitions }: TargetedMember): AssignorMember {
  return { instanceId: instanceId ?? undefined, subscribedTopicIds, assignedPartitions }
}
