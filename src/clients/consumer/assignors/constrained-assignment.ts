import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { compareStrings, TopicPartitionMap, TopicPartitionSet } from '../../topic-partition-map.ts'
import { type Assignments, type PartitionsPerTopic, partitionOf } from './abstract-partition-assignor.ts'
import type { StickyAssignment } from './abstract-sticky-assignor.ts'
import type { RackInfo } from './rack-info.ts'

/**
 * The sticky assignment when all members have subscribed to the same topics (Kafka's ConstrainedAssignmentBuilder). Every
 * member gets `minQuota` or `maxQuota` partitions, which differ by one at most:
 *
 * 1. Members keep what they own: all of it below `minQuota`, otherwise `minQuota`, or `maxQuota` as long as there are
 *    members to come that must have so many. When racks count, only what is in their rack.
 * 2. When racks count, members below their quota get of the rest what is in their rack.
 * 3. They get the rest in turn.
 */
export function buildConstrainedAssignment(
  partitionsPerTopic: PartitionsPerTopic,
  rackInfo: RackInfo,
  owned: Assignments,
  withMultipleOwners: TopicPartitionSet,
): StickyAssignment {
  return new ConstrainedAssignment(partitionsPerTopic, rackInfo, owned, withMultipleOwners).build()
}

class ConstrainedAssignment {
  readonly #partitionsPerTopic: PartitionsPerTopic
  readonly #rackInfo: RackInfo
  readonly #owned: Assignments
  readonly #withMultipleOwners: TopicPartitionSet
  readonly #minQuota: number
  readonly #maxQuota: number
  /** Members that must have more than `minQuota`; 0 when the quotas are equal. */
  readonly #expectedOverMin: number
  #currentOverMin = 0
  readonly #assignments: Assignments
  readonly #assigned = new TopicPartitionSet()
  readonly #maybeRevoked = new TopicPartitionMap<string>()
  readonly #transferring = new TopicPartitionMap<string>()
  readonly #underMin: string[] = []
  /** Members with exactly `minQuota` that may get one more. */
  readonly #exactlyMin: string[] = []

  constructor(
    partitionsPerTopic: PartitionsPerTopic,
    rackInfo: RackInfo,
    owned: Assignments,
    withMultipleOwners: TopicPartitionSet,
  ) {
    this.#partitionsPerTopic = partitionsPerTopic
    this.#rackInfo = rackInfo
    this.#owned = owned
    this.#withMultipleOwners = withMultipleOwners
    const total = [...partitionsPerTopic.values()].reduce((sum, partitions) => sum + partitions.length, 0)
    const consumers = Math.max(1, owned.size)
    this.#minQuota = Math.floor(total / consumers)
    this.#maxQuota = Math.ceil(total / consumers)
    this.#expectedOverMin = total % consumers
    this.#assignments = new Map([...owned.keys()].map(consumer => [consumer, []]))
  }

  build(): StickyAssignment {
    for (const [consumer, owned] of this.#owned) this.#assignOwned(consumer, owned)
    this.#underMin.sort(compareStrings)
    this.#exactlyMin.sort(compareStrings)
    let unassigned = [...this.#partitionsPerTopic.values()]
      .flat()
      .map(partitionOf)
      .filter(partition => !this.#assigned.has(partition))
    unassigned = this.#rackInfo.sortPartitionsByRackConsumers(unassigned)
    if (this.#rackInfo.isUsed) unassigned = this.#assignWithinRacks(unassigned)
    this.#assignRoundRobin(unassigned)
    return { assignments: this.#assignments, transferring: this.#transferring }
  }

  #assignOwned(consumer: string, owned: readonly TopicPartition[]): void {
    const kept: TopicPartition[] = []
    for (const partition of owned) {
      if (this.#rackInfo.racksMismatch(consumer, partition)) this.#maybeRevoked.set(partition, consumer)
      else if (!this.#withMultipleOwners.has(partition)) kept.push(partition)
    }
    kept.sort((one, other) => one.partition - other.partition || compareStrings(one.topic, other.topic))
    if (kept.length < this.#minQuota) {
      this.#keep(consumer, kept, kept.length)
      this.#underMin.push(consumer)
    } else if (kept.length >= this.#maxQuota && this.#currentOverMin < this.#expectedOverMin) {
      this.#currentOverMin++
      if (this.#currentOverMin === this.#expectedOverMin) this.#exactlyMin.length = 0
      this.#keep(consumer, kept, this.#maxQuota)
    } else {
      this.#keep(consumer, kept, this.#minQuota)
      if (this.#currentOverMin < this.#expectedOverMin) this.#exactlyMin.push(consumer)
    }
  }

  /** The first `quota` of its partitions stay with a consumer. */
  #keep(consumer: string, partitions: readonly TopicPartition[], quota: number): void {
    for (const [index, partition] of partitions.entries()) {
      if (index >= quota) {
        this.#maybeRevoked.set(partition, consumer)
        continue
      }
      this.#assignments.get(consumer)?.push(partition)
      this.#assigned.add(partition)
    }
  }

  /** Returns what could not be assigned within racks. */
  #assignWithinRacks(unassigned: readonly TopicPartition[]): TopicPartition[] {
    const left: TopicPartition[] = []
    let nextIndex = 0
    for (const partition of unassigned) {
      const index = this.#rackInfo.nextRackConsumer(partition, this.#underMin, nextIndex)
      const consumer = this.#underMin[index]
      if (consumer !== undefined) {
        nextIndex = this.#fillUnderMin(consumer, index)
        this.#assign(partition, consumer)
      } else if (!this.#assignToExactlyMin(partition)) left.push(partition)
    }
    return left
  }

  /** The consumer at `index` of those below `minQuota` gets one more; returns where to look next. */
  #fillUnderMin(consumer: string, index: number): number {
    const count = (this.#assignments.get(consumer)?.length ?? 0) + 1
    let next = index
    if (count >= this.#minQuota) {
      this.#underMin.splice(index, 1)
      if (count < this.#maxQuota && this.#currentOverMin < this.#expectedOverMin) this.#exactlyMin.push(consumer)
    } else {
      next++
    }
    return this.#underMin.length === 0 ? 0 : next % this.#underMin.length
  }

  #assignToExactlyMin(partition: TopicPartition): boolean {
    const index = this.#rackInfo.nextRackConsumer(partition, this.#exactlyMin, 0)
    const consumer = this.#exactlyMin[index]
    if (consumer === undefined) return false
    if ((this.#assignments.get(consumer)?.length ?? 0) + 1 === this.#maxQuota) {
      this.#exactlyMin.splice(index, 1)
      this.#currentOverMin++
      if (this.#currentOverMin === this.#expectedOverMin) this.#exactlyMin.length = 0
    }
    this.#assign(partition, consumer)
    return true
  }

  #assignRoundRobin(unassigned: readonly TopicPartition[]): void {
    let next = 0
    for (const partition of unassigned) {
      if (next >= this.#underMin.length) next = 0
      const consumer = this.#underMin[next] ?? this.#exactlyMin.shift()
      if (consumer === undefined) throw new Error('no consumer is left that may get another partition')
      const count = this.#assign(partition, consumer)
      if (count === this.#minQuota) {
        this.#underMin.splice(next, 1)
        this.#exactlyMin.push(consumer)
      } else {
        next++
        if (count === this.#maxQuota) this.#currentOverMin++
      }
    }
  }

  #assign(partition: TopicPartition, consumer: string): number {
    const partitions = this.#assignments.get(consumer) ?? []
    partitions.push(partition)
    const revokedFrom = this.#maybeRevoked.get(partition)
    if ((revokedFrom !== undefined && revokedFrom !== consumer) || this.#withMultipleOwners.has(partition)) {
      this.#transferring.set(partition, consumer)
    }
    return partitions.length
  }
}
