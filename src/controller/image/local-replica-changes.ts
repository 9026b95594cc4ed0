import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { directoryOf, type PartitionRegistration } from '../partition-registration.ts'
import type { TopicsDelta } from './topics-delta.ts'

/** A partition that a broker hosts, as it is after the change. */
export interface LocalPartition extends TopicPartition {
  readonly topicId: string
  readonly registration: PartitionRegistration
}

/** What a delta asks of one broker. The order is that of the records. */
export interface LocalReplicaChanges {
  /** Replicas that the broker must no longer host: the topic is gone, or the replica was moved away. */
  readonly deletes: readonly (TopicPartition & { readonly topicId: string })[]
  /** Partitions that have changed and that it leads. */
  readonly leaders: readonly LocalPartition[]
  /** Of these, those that it did not lead in the same leader epoch before. */
  readonly electedLeaders: readonly LocalPartition[]
  /** Partitions that have changed and that it hosts without leading them. */
  readonly followers: readonly LocalPartition[]
  /** Of leaders and followers, those that are new here or are said to be in another log directory than before. */
  readonly placed: readonly LocalPartition[]
}

/** See `TopicsDelta.localChanges`; the rules are those of Kafka's `TopicDelta.localChanges`. */
export function localReplicaChanges(delta: TopicsDelta, brokerId: number): LocalReplicaChanges {
  const deletes: (TopicPartition & { topicId: string })[] = []
  const leaders: LocalPartition[] = []
  const electedLeaders: LocalPartition[] = []
  const followers: LocalPartition[] = []
  const placed: LocalPartition[] = []
  for (const topicId of delta.deletedTopicIds) {
    const topic = delta.image.topicsById.get(topicId)
    if (topic === undefined) continue
    for (const [partition, registration] of topic.partitions) {
      if (registration.replicas.includes(brokerId)) deletes.push({ topic: topic.name, partition, topicId })
    }
  }
  for (const [topicId, topic] of delta.changedTopics) {
    for (const [partition, registration] of topic.partitionChanges) {
      const previous = topic.previous(partition)
      if (!registration.replicas.includes(brokerId)) {
        if (previous?.replicas.includes(brokerId)) deletes.push({ topic: topic.name, partition, topicId })
        continue
      }
      const local: LocalPartition = { topic: topic.name, partition, topicId, registration }
      if (previous === undefined || directoryOf(previous, brokerId) !== directoryOf(registration, brokerId)) {
        placed.push(local)
      }
      if (registration.leader !== brokerId) {
        followers.push(local)
        continue
      }
      leaders.push(local)
      if (previous === undefined || previous.leaderEpoch !== registration.leaderEpoch) electedLeaders.push(local)
    }
  }
  return { deletes, leaders, electedLeaders, followers, placed }
}
