import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { ConsumerGroupMetadata } from './consumer-group-metadata.ts'

/**
 * How members of a group change over to a new assignment (KIP-429). EAGER: every member gives all its partitions away
 * before it joins. COOPERATIVE: it keeps them and gives away what the new assignment takes from it, in a second rebalance.
 */
export type RebalanceProtocol = 'EAGER' | 'COOPERATIVE'

/** What a member of a group tells its leader. */
export interface Subscription {
  readonly topics: readonly string[]
  /** What its assignor added. */
  readonly userData: Buffer | null
  /** What it had been assigned; empty from clients that do not tell. */
  readonly ownedPartitions: readonly TopicPartition[]
  /** Of the assignment that gave `ownedPartitions`; undefined when not told. */
  readonly generationId: number | undefined
  /** `client.rack`; undefined or empty when not told. */
  readonly rackId: string | undefined
  /** `group.instance.id` of a static member. */
  readonly groupInstanceId: string | undefined
}

/** What the leader gives a member. */
export interface Assignment {
  readonly partitions: readonly TopicPartition[]
  readonly userData: Buffer | null
}

/** A partition and where its replicas are. */
export interface AssignablePartition extends TopicPartition {
  readonly replicas: readonly { readonly rack?: string | null }[]
}

/** What assignors see of the cluster. */
export interface AssignableCluster {
  /** Empty for a topic that is not there. */
  partitionsForTopic(topic: string): readonly AssignablePartition[]
}

/**
 * Divides the partitions of the subscribed topics between the members of a group (Kafka's ConsumerPartitionAssignor). The
 * coordinator elects one strategy that all members support, and one member to run it.
 */
export interface ConsumerPartitionAssignor {
  /** Under which members find out that they mean the same strategy: `range`. */
  readonly name: string
  readonly supportedProtocols: readonly RebalanceProtocol[]
  /** Goes into the member's subscription; null: nothing. */
  subscriptionUserData(topics: readonly string[]): Buffer | null
  /** Runs on the leader. @param subscriptions by member id */
  assign(cluster: AssignableCluster, subscriptions: ReadonlyMap<string, Subscription>): ReadonlyMap<string, Assignment>
  /** The member has got its assignment. */
  onAssignment(assignment: Assignment, metadata: ConsumerGroupMetadata): void
}
