import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../../topic-partition-map.ts'
import type { AssignablePartition } from '../consumer-partition-assignor.ts'
import { type MemberInfo, partitionOf, racksOf, useRackAwareAssignment } from './abstract-partition-assignor.ts'

/** How far the range assignor has got with one topic. */
export class TopicAssignmentState {
  readonly topic: string
  /** In order. */
  readonly consumers: readonly string[]
  readonly unassigned: TopicPartitionSet
  readonly needsRackAwareAssignment: boolean
  readonly #consumerRacks: ReadonlyMap<string, string>
  readonly #partitionRacks = new TopicPartitionMap<ReadonlySet<string>>()
  readonly #numAssigned = new Map<string, number>()
  readonly #partitionsPerConsumer: number
  #remainingConsumersWithExtra: number

  constructor(
    topic: string,
    partitions: readonly AssignablePartition[],
    members: readonly MemberInfo[],
    consumerRacks: ReadonlyMap<string, string>,
  ) {
    this.topic = topic
    this.consumers = members.map(({ memberId }) => memberId)
    this.unassigned = new TopicPartitionSet(partitions.map(partitionOf))
    this.#consumerRacks = consumerRacks
    const consumers = members.length
    this.#partitionsPerConsumer = consumers === 0 ? 0 : Math.floor(partitions.length / consumers)
    this.#remainingConsumersWithExtra = consumers === 0 ? 0 : partitions.length % consumers
    const racks = new Set(
      this.consumers.map(consumer => consumerRacks.get(consumer)).filter(rack => rack !== undefined),
    )
    const allPartitionRacks = new Set<string>()
    if (racks.size > 0) {
      for (const partition of partitions) {
        const itsRacks = racksOf(partition)
        this.#partitionRacks.set(partitionOf(partition), itsRacks)
        for (const rack of itsRacks) allPartitionRacks.add(rack)
      }
    }
    this.needsRackAwareAssignment = useRackAwareAssignment(racks, allPartitionRacks, this.#partitionRacks.values())
  }

  /** The same for topics that are assigned alike: those with as many partitions and the same consumers in the same racks. */
  get coPartitioningKey(): string {
    const consumers = this.consumers.map(consumer => [consumer, this.#consumerRacks.get(consumer)])
    return JSON.stringify([consumers, this.numPartitionsWithRacks])
  }

  /** All partitions when any consumer has a rack, otherwise 0. */
  get numPartitionsWithRacks(): number {
    return this.#partitionRacks.size
  }

  /** Whether a consumer has no rack, or one that holds a replica. */
  racksMatch(consumer: string, partition: TopicPartition): boolean {
    const rack = this.#consumerRacks.get(consumer)
    return rack === undefined || this.#partitionRacks.get(partition)?.has(rack) === true
  }

  /** How many more partitions a consumer may get. */
  maxAssignable(consumer: string): number {
    const extra = this.#remainingConsumersWithExtra > 0 ? 1 : 0
    return Math.max(0, this.#partitionsPerConsumer + extra - (this.#numAssigned.get(consumer) ?? 0))
  }

  onAssigned(consumer: string, partitions: readonly TopicPartition[]): void {
    const assigned = (this.#numAssigned.get(consumer) ?? 0) + partitions.length
    this.#numAssigned.set(consumer, assigned)
    if (assigned > this.#partitionsPerConsumer) this.#remainingConsumersWithExtra--
    for (const partition of partitions) this.unassigned.delete(partition)
  }
}
