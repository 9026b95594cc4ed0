import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { TopicPartitionMap } from '../../topic-partition-map.ts'
import {
  type PartitionsPerTopic,
  racksOf,
  type Subscriptions,
  useRackAwareAssignment,
} from './abstract-partition-assignor.ts'

/** The racks of consumers and partitions as the sticky assignors see them (KIP-881); empty when they make no difference. */
export class RackInfo {
  readonly consumerRacks: ReadonlyMap<string, string>
  readonly #partitionRacks: TopicPartitionMap<ReadonlySet<string>>
  readonly #numConsumersByPartition = new TopicPartitionMap<number>()

  constructor(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions) {
    const consumerRacks = new Map<string, string>()
    const consumersByRack = new Map<string, number>()
    for (const [member, { rackId }] of subscriptions) {
      if (rackId === undefined || rackId === '') continue
      consumerRacks.set(member, rackId)
      consumersByRack.set(rackId, (consumersByRack.get(rackId) ?? 0) + 1)
    }
    const partitionRacks = new TopicPartitionMap<ReadonlySet<string>>()
    const allPartitionRacks = new Set<string>()
    if (consumerRacks.size > 0) {
      for (const partition of [...partitionsPerTopic.values()].flat()) {
        const racks = racksOf(partition)
        partitionRacks.set(partition, racks)
        for (const rack of racks) allPartitionRacks.add(rack)
        let consumers = 0
        for (const rack of racks) consumers += consumersByRack.get(rack) ?? 0
        this.#numConsumersByPartition.set(partition, consumers)
      }
    }
    const useRacks = useRackAwareAssignment(new Set(consumersByRack.keys()), allPartitionRacks, partitionRacks.values())
    this.consumerRacks = useRacks ? consumerRacks : new Map()
    this.#partitionRacks = useRacks ? partitionRacks : new TopicPartitionMap()
  }

  get isUsed(): boolean {
    return this.consumerRacks.size > 0
  }

  /** Whether a consumer has a rack, and no replica is in it. */
  racksMismatch(consumer: string, partition: TopicPartition): boolean {
    const rack = this.consumerRacks.get(consumer)
    return rack !== undefined && this.#partitionRacks.get(partition)?.has(rack) !== true
  }

  /** Whether a consumer has a rack in which a replica is. */
  racksMatch(consumer: string, partition: TopicPartition): boolean {
    const rack = this.consumerRacks.get(consumer)
    return rack !== undefined && this.#partitionRacks.get(partition)?.has(rack) === true
  }

  /** Those first which the fewest consumers could have in their rack. */
  sortPartitionsByRackConsumers(partitions: readonly TopicPartition[]): TopicPartition[] {
    const consumersOf = (partition: TopicPartition) => this.#numConsumersByPartition.get(partition) ?? 0
    return partitions.toSorted((one, other) => consumersOf(one) - consumersOf(other))
  }

  /** The index of the next consumer in the partition's racks from `firstIndex` on, going round; −1: none. */
  nextRackConsumer(partition: TopicPartition, consumers: readonly string[], firstIndex: number): number {
    for (let step = 0; step < consumers.length; step++) {
      const index = (firstIndex + step) % consumers.length
      const consumer = consumers[index]
      if (consumer !== undefined && this.racksMatch(consumer, partition)) return index
    }
    return -1
  }
}
