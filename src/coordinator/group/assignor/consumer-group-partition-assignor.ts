/** Partitions by the id of their topic. No topic is without partitions. */
export type PartitionsByTopic = ReadonlyMap<string, ReadonlySet<number>>

/** What an assignor is told of a member (Kafka's MemberSubscription and MemberAssignment). */
export interface AssignorMember {
  /** Undefined: a dynamic member. */
  readonly instanceId: string | undefined
  /** Topics that exist. */
  readonly subscribedTopicIds: ReadonlySet<string>
  /** What it was to have until now. */
  readonly assignedPartitions: PartitionsByTopic
}

/**
 * Whether all members read the same topics. It is known before members are looked at one by one, which may be many.
 */
export type SubscriptionType = 'homogeneous' | 'heterogeneous'

/** What an assignor is told of a group (Kafka's GroupSpec). */
export interface GroupSpec {
  /** By member id. Their order decides where nothing else does. */
  readonly members: ReadonlyMap<string, AssignorMember>
  readonly subscriptionType: SubscriptionType
}

/** What an assignor is told of topics (Kafka's SubscribedTopicDescriber). */
export interface SubscribedTopicDescriber {
  /** Undefined: there is no such topic. */
  numPartitions(topicId: string): number | undefined
}

/** What each member is to have, by member id. */
export type GroupAssignment = ReadonlyMap<string, PartitionsByTopic>

/** Divides the partitions of topics among the members of a consumer group, on the server (KIP-848). */
export interface ConsumerGroupPartitionAssignor {
  /** By which members ask for it and `group.consumer.assignors` names it. */
  readonly name: string
  /** @throws PartitionAssignorError when a member reads a topic that does not exist */
  assign(group: GroupSpec, topics: SubscribedTopicDescriber): GroupAssignment
}

/** Why there is no assignment (Kafka's PartitionAssignorException). */
export class PartitionAssignorError extends Error {
  override readonly name = 'PartitionAssignorError'
}

/** @throws PartitionAssignorError when there is no such topic */
export function existingPartitions(topics: SubscribedTopicDescriber, topicId: string): number {
  const numPartitions = topics.numPartitions(topicId)
  if (numPartitions === undefined) {
    throw new PartitionAssignorError(`members are subscribed to topic ${topicId}, which does not exist`)
  }
  return numPartitions
}
