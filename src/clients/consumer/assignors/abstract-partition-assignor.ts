import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { compareStrings } from '../../topic-partition-map.ts'
import type { ConsumerGroupMetadata } from '../consumer-group-metadata.ts'
import type {
  AssignableCluster,
  AssignablePartition,
  Assignment,
  ConsumerPartitionAssignor,
  RebalanceProtocol,
  Subscription,
} from '../consumer-partition-assignor.ts'

/** By topic, sorted by name; a topic's partitions sorted by number. */
export type PartitionsPerTopic = ReadonlyMap<string, readonly AssignablePartition[]>
/** By member id. */
export type Subscriptions = ReadonlyMap<string, Subscription>
/** By member id. */
export type Assignments = Map<string, TopicPartition[]>

/** What the assignors share (Kafka's AbstractPartitionAssignor). */
export abstract class AbstractPartitionAssignor implements ConsumerPartitionAssignor {
  abstract readonly name: string

  get supportedProtocols(): readonly RebalanceProtocol[] {
    return ['EAGER']
  }

  subscriptionUserData(_topics: readonly string[]): Buffer | null {
    return null
  }

  onAssignment(_assignment: Assignment, _metadata: ConsumerGroupMetadata): void {}

  assign(cluster: AssignableCluster, subscriptions: Subscriptions): ReadonlyMap<string, Assignment> {
    const topics = new Set([...subscriptions.values()].flatMap(({ topics }) => topics))
    const partitionsPerTopic = new Map<string, readonly AssignablePartition[]>()
    for (const topic of [...topics].sort(compareStrings)) {
      const partitions = cluster.partitionsForTopic(topic)
      if (partitions.length > 0)
        partitionsPerTopic.set(
          topic,
          partitions.toSorted((a, b) => a.partition - b.partition),
        )
    }
    const assignments = new Map<string, Assignment>()
    for (const [member, partitions] of this.assignPartitions(partitionsPerTopic, subscriptions)) {
      assignments.set(member, { partitions, userData: null })
    }
    return assignments
  }

  /** Topics without partitions, which no metadata is known of, are left out. */
  protected abstract assignPartitions(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions): Assignments
}

/** A member as assignors order them: static ones first, by their instance id, then the others by member id. */
export interface MemberInfo {
  readonly memberId: string
  readonly groupInstanceId: string | undefined
}

export function compareMembers(one: MemberInfo, other: MemberInfo): number {
  if (one.groupInstanceId !== undefined && other.groupInstanceId !== undefined) {
    return compareStrings(one.groupInstanceId, other.groupInstanceId)
  }
  if (one.groupInstanceId !== undefined) return -1
  if (other.groupInstanceId !== undefined) return 1
  return compareStrings(one.memberId, other.memberId)
}

/** The racks in which a partition has replicas. */
export function racksOf(partition: AssignablePartition): Set<string> {
  return new Set(partition.replicas.map(({ rack }) => rack ?? '').filter(rack => rack !== ''))
}

/**
 * Whether racks can make a difference (KIP-881): consumers and replicas have racks in common, and not every partition is in
 * all racks.
 */
export function useRackAwareAssignment(
  consumerRacks: ReadonlySet<string>,
  partitionRacks: ReadonlySet<string>,
  racksPerPartition: Iterable<ReadonlySet<string>>,
): boolean {
  if (![...consumerRacks].some(rack => partitionRacks.has(rack))) return false
  return ![...racksPerPartition].every(racks => racks.size === partitionRacks.size)
}

export function partitionOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
