import {
  type AssignorMember,
  existingPartitions,
  type GroupAssignment,
  type GroupSpec,
  PartitionAssignorError,
  type SubscribedTopicDescriber,
} from './consumer-group-partition-assignor.ts'
import { addPartition, copyOf, type MutablePartitions, removePartition } from './partitions.ts'

type TopicPartition = readonly [topicId: string, partition: number]

/** How many partitions members may have: `minimum`, and one more for `extras` of them. */
interface Quotas {
  readonly minimum: number
  extras: number
}

/**
 * Divides the partitions of topics that all members read: no member has two more than another, and what a member has beyond its
 * share, or does not read any more, is all that moves (Kafka's UniformHomogeneousAssignmentBuilder).
 */
export function assignHomogeneous({ members }: GroupSpec, topics: SubscribedTopicDescriber): GroupAssignment {
  const [first] = members.values()
  const subscribed = first?.subscribedTopicIds ?? new Set<string>()
  if (subscribed.size === 0) return new Map()
  const { unassigned, total } = findUnassigned(members, subscribed, topics)
  const quotas: Quotas = { minimum: Math.floor(total / members.size), extras: total % members.size }

  const target = new Map<string, MutablePartitions>()
  const unfilled: [partitions: MutablePartitions, remaining: number][] = []
  let membersLeft = members.size
  for (const [memberId, { assignedPartitions }] of members) {
    const partitions = copyOf(assignedPartitions)
    target.set(memberId, partitions)
    const remaining = keepWithinQuota(partitions, subscribed, quotas, membersLeft, unassigned)
    if (remaining > 0) unfilled.push([partitions, remaining])
    membersLeft -= 1
  }
  fill(unfilled, unassigned)
  return target
}

function findUnassigned(
  members: ReadonlyMap<string, AssignorMember>,
  subscribed: ReadonlySet<string>,
  topics: SubscribedTopicDescriber,
): { unassigned: TopicPartition[]; total: number } {
  const assigned = new Map<string, Set<number>>()
  for (const { assignedPartitions } of members.values()) {
    for (const [topicId, partitions] of assignedPartitions) {
      for (const partition of partitions) addPartition(assigned, topicId, partition)
    }
  }
  const unassigned: TopicPartition[] = []
  let total = 0
  for (const topicId of subscribed) {
    const numPartitions = existingPartitions(topics, topicId)
    total += numPartitions
    for (let partition = 0; partition < numPartitions; partition += 1) {
      if (assigned.get(topicId)?.has(partition) !== true) unassigned.push([topicId, partition])
    }
  }
  return { unassigned, total }
}

/**
 * Takes from a member what it does not read any more and what it has beyond its quota. Returns how many it is short of. One
 * that does not need its extra partition leaves it to a later member, as long as there are enough of these to take all extras.
 */
function keepWithinQuota(
  partitions: MutablePartitions,
  subscribed: ReadonlySet<string>,
  quotas: Quotas,
  membersLeft: number,
  unassigned: TopicPartition[],
): number {
  let hasExtra = quotas.extras > 0
  let quota = quotas.minimum + (hasExtra ? 1 : 0)
  for (const [topicId, numbers] of [...partitions]) {
    if (!subscribed.has(topicId)) {
      partitions.delete(topicId)
      continue
    }
    for (const partition of [...numbers]) {
      if (quota > 0) {
        quota -= 1
        continue
      }
      removePartition(partitions, topicId, partition)
      unassigned.push([topicId, partition])
    }
  }
  if (quota > 0 && hasExtra && membersLeft > quotas.extras) {
    quota -= 1
    hasExtra = false
  }
  if (hasExtra) quotas.extras -= 1
  return quota
}

function fill(
  unfilled: readonly (readonly [partitions: MutablePartitions, remaining: number])[],
  unassigned: readonly TopicPartition[],
): void {
  let next = 0
  for (const [partitions, remaining] of unfilled) {
    for (const [topicId, partition] of unassigned.slice(next, next + remaining))
      addPartition(partitions, topicId, partition)
    next += remaining
  }
  if (next < unassigned.length)
    throw new PartitionAssignorError(`${unassigned.length - next} partitions were left unassigned`)
}
