import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { compareStrings, TopicPartitionMap } from '../../topic-partition-map.ts'
import {
  type Assignments,
  type PartitionsPerTopic,
  partitionOf,
  type Subscriptions,
} from './abstract-partition-assignor.ts'
import { removePartition } from './abstract-sticky-assignor.ts'
import { ConsumersByLoad } from './consumers-by-load.ts'
import { PartitionMovements } from './partition-movements.ts'
import type { RackInfo } from './rack-info.ts'

/** Who had a partition in an older generation. */
export interface PreviousOwner {
  readonly consumer: string
  readonly generation: number
}

/**
 * The sticky assignment when members have subscribed to different topics (Kafka's GeneralAssignmentBuilder):
 *
 * 1. Members keep what they own and may still have.
 * 2. What nobody has goes to who has the fewest partitions and may have it; within racks first, when they count.
 * 3. Partitions move from who has more to who has less until nothing can be made better, or the result is no better than
 *    what it began with.
 *
 * @param owned is changed to become the result
 */
export function buildGeneralAssignment(
  partitionsPerTopic: PartitionsPerTopic,
  rackInfo: RackInfo,
  owned: Assignments,
  subscriptions: Subscriptions,
  previous: TopicPartitionMap<PreviousOwner>,
): Assignments {
  return new GeneralAssignment(partitionsPerTopic, rackInfo, owned, subscriptions, previous).build()
}

class GeneralAssignment {
  readonly #partitionsPerTopic: PartitionsPerTopic
  readonly #rackInfo: RackInfo
  readonly #current: Assignments
  readonly #subscriptions: Subscriptions
  readonly #previous: TopicPartitionMap<PreviousOwner>
  readonly #consumersOfTopic = new Map<string, string[]>()
  readonly #topicsOfConsumer = new Map<string, Set<string>>()
  readonly #owners = new TopicPartitionMap<string>()
  readonly #sortedConsumers: ConsumersByLoad
  readonly #movements = new PartitionMovements()
  #revocationRequired = false

  constructor(
    partitionsPerTopic: PartitionsPerTopic,
    rackInfo: RackInfo,
    owned: Assignments,
    subscriptions: Subscriptions,
    previous: TopicPartitionMap<PreviousOwner>,
  ) {
    this.#partitionsPerTopic = partitionsPerTopic
    this.#rackInfo = rackInfo
    this.#current = owned
    this.#subscriptions = subscriptions
    this.#previous = previous
    for (const topic of partitionsPerTopic.keys()) this.#consumersOfTopic.set(topic, [])
    for (const [consumer, { topics }] of subscriptions) {
      const known = new Set(topics.filter(topic => partitionsPerTopic.has(topic)))
      this.#topicsOfConsumer.set(consumer, known)
      for (const topic of known) this.#consumersOfTopic.get(topic)?.push(consumer)
    }
    this.#sortedConsumers = new ConsumersByLoad(this.#current)
  }

  build(): Assignments {
    this.#keepOwned()
    const all = this.#partitionsByPotentialConsumers()
    const unassigned = all.filter(partition => !this.#owners.has(partition))
    for (const consumer of this.#current.keys()) this.#sortedConsumers.add(consumer)
    this.#balance(all, unassigned)
    return this.#current
  }

  #keepOwned(): void {
    for (const [consumer, owned] of this.#current) {
      const topics = new Set(this.#subscriptions.get(consumer)?.topics)
      const kept = owned.filter(
        partition => topics.has(partition.topic) && !this.#rackInfo.racksMismatch(consumer, partition),
      )
      if (kept.length < owned.length) this.#revocationRequired = true
      for (const partition of kept) this.#owners.set(partition, consumer)
      this.#current.set(consumer, kept)
    }
  }

  /** Partitions which few consumers may have come first: later ones have more places to go. */
  #partitionsByPotentialConsumers(): TopicPartition[] {
    const consumersOf = (topic: string) => this.#consumersOfTopic.get(topic)?.length ?? 0
    const topics = [...this.#consumersOfTopic.keys()].sort(
      (one, other) => consumersOf(one) - consumersOf(other) || compareStrings(one, other),
    )
    return topics.flatMap(topic => this.#partitionsPerTopic.get(topic)?.map(partitionOf) ?? [])
  }

  #balance(all: readonly TopicPartition[], unassigned: readonly TopicPartition[]): void {
    const last = this.#sortedConsumers.last
    const isInitializing = last === undefined || this.#sizeOf(last) === 0
    let left = unassigned
    if (this.#rackInfo.isUsed) left = left.filter(partition => !this.#assign(partition, true))
    for (const partition of left) this.#assign(partition, false)

    const mayMove = (partition: TopicPartition) => (this.#consumersOfTopic.get(partition.topic)?.length ?? 0) >= 2
    const fixed = this.#takeOutFixedConsumers(mayMove)
    const before = new Map([...this.#current].map(([consumer, partitions]) => [consumer, [...partitions]]))
    // New partitions move first: what a consumer has not got yet it does not lose.
    if (!this.#revocationRequired) this.#reassign(unassigned.filter(mayMove))
    const isChanged = this.#reassign(all.filter(mayMove))
    if (!isInitializing && isChanged && balanceScore(this.#current) >= balanceScore(before)) {
      for (const [consumer, partitions] of before) this.#current.set(consumer, partitions)
    }
    for (const [consumer, partitions] of fixed) this.#current.set(consumer, partitions)
  }

  /** Consumers that can neither get nor give anything take no part in the balancing. */
  #takeOutFixedConsumers(mayMove: (partition: TopicPartition) => boolean): Assignments {
    const fixed: Assignments = new Map()
    for (const [consumer, partitions] of this.#current) {
      if (partitions.length < this.#mostPartitionsOf(consumer) || partitions.some(mayMove)) continue
      fixed.set(consumer, partitions)
    }
    for (const consumer of fixed.keys()) {
      this.#sortedConsumers.remove(consumer)
      this.#current.delete(consumer)
    }
    return fixed
  }

  #mostPartitionsOf(consumer: string): number {
    let most = 0
    for (const topic of this.#topicsOfConsumer.get(consumer) ?? []) {
      most += this.#partitionsPerTopic.get(topic)?.length ?? 0
    }
    return most
  }

  /** To the consumer with the fewest partitions that may have it; false when there is none. */
  #assign(partition: TopicPartition, withinRack: boolean): boolean {
    for (const consumer of this.#sortedConsumers) {
      if (!this.#mayHave(consumer, partition)) continue
      if (withinRack && this.#rackInfo.racksMismatch(consumer, partition)) continue
      this.#sortedConsumers.remove(consumer)
      this.#current.get(consumer)?.push(partition)
      this.#owners.set(partition, consumer)
      this.#sortedConsumers.add(consumer)
      return true
    }
    return false
  }

  /** Moves partitions as long as that makes the assignment more balanced; whether any moved. */
  #reassign(partitions: readonly TopicPartition[]): boolean {
    let isChanged = false
    let isModified: boolean
    do {
      isModified = false
      for (const partition of partitions) {
        if (this.#isBalanced()) break
        if (this.#reassignOne(partition)) isModified = true
      }
      isChanged ||= isModified
    } while (isModified)
    return isChanged
  }

  #reassignOne(partition: TopicPartition): boolean {
    const consumer = this.#owners.get(partition)
    if (consumer === undefined) return false
    const previous = this.#previous.get(partition)
    // Kafka does not ask whether that consumer has the topic still, and could give it what it never reads.
    const mayGoBack = previous !== undefined && this.#mayHave(previous.consumer, partition)
    if (mayGoBack && this.#hasTooManyBeside(consumer, previous.consumer)) {
      this.#move(partition, consumer, previous.consumer)
      return true
    }
    // Whether the partition can stay in its rack or not, it goes to who has the least: as in Kafka.
    const hasBetter = this.#consumersOfTopic
      .get(partition.topic)
      ?.some(other => this.#hasTooManyBeside(consumer, other))
    const next = [...this.#sortedConsumers].find(candidate => this.#mayHave(candidate, partition))
    if (hasBetter !== true || next === undefined) return false
    this.#move(partition, consumer, next)
    return true
  }

  #hasTooManyBeside(consumer: string, other: string): boolean {
    return this.#current.has(other) && this.#sizeOf(consumer) > this.#sizeOf(other) + 1
  }

  #move(partition: TopicPartition, from: string, to: string): void {
    const moving = this.#movements.actualPartitionToMove(partition, from, to)
    const owner = this.#owners.get(moving) ?? from
    this.#sortedConsumers.remove(owner)
    this.#sortedConsumers.remove(to)
    this.#movements.moved(moving, owner, to)
    removePartition(this.#current.get(owner) ?? [], moving)
    this.#current.get(to)?.push(moving)
    this.#owners.set(moving, to)
    this.#sortedConsumers.add(to)
    this.#sortedConsumers.add(owner)
  }

  /** Nobody could have a partition of somebody who has at least two more. */
  #isBalanced(): boolean {
    const { first, last } = this.#sortedConsumers
    if (first === undefined || last === undefined || this.#sizeOf(first) >= this.#sizeOf(last) - 1) return true
    for (const consumer of this.#sortedConsumers) {
      const size = this.#sizeOf(consumer)
      if (size === this.#mostPartitionsOf(consumer)) continue
      for (const topic of this.#topicsOfConsumer.get(consumer) ?? []) {
        for (const partition of this.#partitionsPerTopic.get(topic) ?? []) {
          const owner = this.#owners.get(partition)
          if (owner !== undefined && owner !== consumer && size + 1 < this.#sizeOf(owner)) return false
        }
      }
    }
    return true
  }

  #mayHave(consumer: string, { topic }: TopicPartition): boolean {
    return this.#topicsOfConsumer.get(consumer)?.has(topic) === true
  }

  #sizeOf(consumer: string): number {
    return this.#current.get(consumer)?.length ?? 0
  }
}

/** The sum of the differences between all pairs of consumers: 0 is perfectly balanced. */
function balanceScore(assignments: Assignments): number {
  const sizes = [...assignments.values()].map(({ length }) => length)
  let score = 0
  for (const [index, size] of sizes.entries()) {
    for (const other of sizes.slice(index + 1)) score += Math.abs(size - other)
  }
  return score
}
