import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { compareTopicPartitions } from '../../topic-partition-map.ts'
import {
  AbstractPartitionAssignor,
  type Assignments,
  compareMembers,
  type MemberInfo,
  type PartitionsPerTopic,
  type Subscriptions,
} from './abstract-partition-assignor.ts'
import { TopicAssignmentState } from './topic-assignment-state.ts'

/**
 * Topic by topic, gives each consumer a range of neighbouring partitions; the first consumers get one more when the number
 * does not divide evenly (Kafka's RangeAssignor). Topics with as many partitions and the same subscribers are assigned
 * alike, so that a consumer has the same numbers of each (co-partitioning). When racks matter (KIP-881), consumers get
 * partitions with a replica in their rack first, as far as this keeps the balance and the co-partitioning.
 */
export class RangeAssignor extends AbstractPartitionAssignor {
  readonly name = 'range'

  protected assignPartitions(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions): Assignments {
    const assignments: Assignments = new Map([...subscriptions.keys()].map(member => [member, []]))
    const racks = consumerRacks(subscriptions)
    const consumersPerTopic = membersPerTopic(subscriptions)
    const topics = [...partitionsPerTopic].map(
      ([topic, partitions]) => new TopicAssignmentState(topic, partitions, consumersPerTopic.get(topic) ?? [], racks),
    )
    const useRackAware = topics.some(({ needsRackAwareAssignment }) => needsRackAwareAssignment)
    if (useRackAware) assignWithRackMatching(topics, assignments)
    for (const topic of topics) assignRanges(topic, () => true, assignments)
    if (useRackAware) for (const partitions of assignments.values()) partitions.sort(compareTopicPartitions)
    return assignments
  }
}

function membersPerTopic(subscriptions: Subscriptions): Map<string, MemberInfo[]> {
  const members = new Map<string, MemberInfo[]>()
  for (const [memberId, { topics, groupInstanceId }] of subscriptions) {
    for (const topic of new Set(topics)) {
      const ofTopic = members.get(topic) ?? []
      ofTopic.push({ memberId, groupInstanceId })
      members.set(topic, ofTopic)
    }
  }
  for (const ofTopic of members.values()) ofTopic.sort(compareMembers)
  return members
}

function consumerRacks(subscriptions: Subscriptions): Map<string, string> {
  const racks = new Map<string, string>()
  for (const [memberId, { rackId }] of subscriptions) {
    if (rackId !== undefined && rackId !== '') racks.set(memberId, rackId)
  }
  return racks
}

function assignRanges(
  topic: TopicAssignmentState,
  mayAssign: (consumer: string, partition: TopicPartition) => boolean,
  assignments: Assignments,
): void {
  for (const consumer of topic.consumers) {
    if (topic.unassigned.size === 0) break
    const assignable = [...topic.unassigned]
      .filter(partition => mayAssign(consumer, partition))
      .slice(0, topic.maxAssignable(consumer))
    if (assignable.length > 0) assignTo(consumer, assignable, topic, assignments)
  }
}

function assignWithRackMatching(topics: readonly TopicAssignmentState[], assignments: Assignments): void {
  const groups = Map.groupBy(topics, ({ coPartitioningKey }) => coPartitioningKey)
  for (const group of groups.values()) {
    const [first, second] = group
    if (second !== undefined) assignCoPartitionedWithRackMatching(group, assignments)
    else if (first?.needsRackAwareAssignment === true) {
      assignRanges(first, (consumer, partition) => first.racksMatch(consumer, partition), assignments)
    }
  }
}

function assignCoPartitionedWithRackMatching(topics: readonly TopicAssignmentState[], assignments: Assignments): void {
  const remaining = new Set(topics[0]?.consumers)
  const numPartitions = topics[0]?.numPartitionsWithRacks ?? 0
  for (let partition = 0; partition < numPartitions && remaining.size > 0; partition++) {
    const consumer = [...remaining].find(candidate =>
      topics.every(
        topic => topic.racksMatch(candidate, { topic: topic.topic, partition }) && topic.maxAssignable(candidate) > 0,
      ),
    )
    if (consumer === undefined) continue
    for (const topic of topics) assignTo(consumer, [{ topic: topic.topic, partition }], topic, assignments)
    if (topics.every(topic => topic.maxAssignable(consumer) === 0)) remaining.delete(consumer)
  }
}

function assignTo(
  consumer: string,
  partitions: readonly TopicPartition[],
  topic: TopicAssignmentState,
  assignments: Assignments,
): void {
  assignments.get(consumer)?.push(...partitions)
  topic.onAssigned(consumer, partitions)
}
