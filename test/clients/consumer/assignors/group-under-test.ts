import type {
  AssignableCluster,
  AssignablePartition,
  ConsumerPartitionAssignor,
  Subscription,
} from '../../../../src/clients/consumer/consumer-partition-assignor.ts'
import { parsePartitionKey, partitionKey, type TopicPartition } from '../../../../src/protocol/topic-partition.ts'

export type Racks = readonly (string | null)[]

/** A cluster whose replicas go round the brokers' racks, one broker a rack. */
export function cluster(
  topics: Readonly<Record<string, number>>,
  brokerRacks: Racks = [null, null, null],
  replicationFactor = 3,
): AssignableCluster {
  let next = 0
  const partitions = new Map<string, AssignablePartition[]>()
  for (const [topic, count] of Object.entries(topics)) {
    const ofTopic = Array.from({ length: count }, (_, partition) => {
      const replicas = Array.from({ length: replicationFactor }, (_, index) => ({
        rack: brokerRacks[(next + index) % brokerRacks.length] ?? null,
      }))
      next++
      return { topic, partition, replicas }
    })
    partitions.set(topic, ofTopic)
  }
  return { partitionsForTopic: topic => partitions.get(topic) ?? [] }
}

export function subscription(topics: readonly string[], options: Partial<Subscription> = {}): Subscription {
  return {
    topics,
    userData: null,
    ownedPartitions: [],
    generationId: undefined,
    rackId: undefined,
    groupInstanceId: undefined,
    ...options,
  }
}

/** Partitions from `t1-0, t2-3`. */
export function partitions(text: string): TopicPartition[] {
  return text === '' ? [] : text.split(', ').map(key => parsePartitionKey(key) ?? { topic: key, partition: -1 })
}

/** What each member gets, sorted: `t1-0, t2-3`. */
export function assign(
  assignor: ConsumerPartitionAssignor,
  inCluster: AssignableCluster,
  members: Readonly<Record<string, Subscription>>,
): Record<string, string> {
  const assignment = assignor.assign(inCluster, new Map(Object.entries(members)))
  return Object.fromEntries(
    [...assignment].map(([member, { partitions }]) => [member, partitions.map(partitionKey).sort().join(', ')]),
  )
}
