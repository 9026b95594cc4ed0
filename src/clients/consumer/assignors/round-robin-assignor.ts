import {
  AbstractPartitionAssignor,
  type Assignments,
  compareMembers,
  type PartitionsPerTopic,
  partitionOf,
  type Subscriptions,
} from './abstract-partition-assignor.ts'

/**
 * Lays all partitions of all topics out in order and gives one to each consumer in turn, passing over those that have not
 * subscribed to the topic (Kafka's RoundRobinAssignor).
 */
export class RoundRobinAssignor extends AbstractPartitionAssignor {
  readonly name = 'roundrobin'

  protected assignPartitions(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions): Assignments {
    const assignments: Assignments = new Map([...subscriptions.keys()].map(member => [member, []]))
    const members = [...subscriptions]
      .map(([memberId, { groupInstanceId, topics }]) => ({ memberId, groupInstanceId, topics: new Set(topics) }))
      .sort(compareMembers)
    let next = 0
    for (const [topic, partitions] of partitionsPerTopic) {
      for (const partition of partitions) {
        // Some member has subscribed to it: otherwise the topic would not be here.
        while (!members[next % members.length]?.topics.has(topic)) next++
        const member = members[next++ % members.length]
        if (member !== undefined) assignments.get(member.memberId)?.push(partitionOf(partition))
      }
    }
    return assignments
  }
}
