import {
  type AssignorMember,
  type ConsumerGroupPartitionAssignor,
  existingPartitions,
  type GroupAssignment,
  type GroupSpec,
  type PartitionsByTopic,
  type SubscribedTopicDescriber,
} from './consumer-group-partition-assignor.ts'

/**
 * Gives each member a contiguous range of each topic that it reads, so that members who all read topics with equally many
 * partitions have the same partitions of each (Kafka's RangeAssignor). Static members come first, in the order of their names,
 * which they keep over restarts; then dynamic ones, in the order of their ids.
 */
export class RangeAssignor implements ConsumerGroupPartitionAssignor {
  readonly name = 'range'

  assign({ members }: GroupSpec, topics: SubscribedTopicDescriber): GroupAssignment {
    const ranges = new Map<string, Ranges>()
    for (const { subscribedTopicIds } of members.values()) {
      for (const topicId of subscribedTopicIds) {
        const topic = ranges.get(topicId) ?? new Ranges(existingPartitions(topics, topicId))
        ranges.set(topicId, topic)
        topic.numMembers += 1
      }
    }
    const sorted = [...members].sort(compareMembers)
    return new Map(sorted.map(([memberId, member]) => [memberId, take(member, ranges)]))
  }
}

/** What is left of a topic. */
class Ranges {
  numMembers = 0
  #taken = 0
  #next = 0
  readonly #numPartitions: number

  constructor(numPartitions: number) {
    this.#numPartitions = numPartitions
  }

  /** The range of the next member: the first ones have one more when it does not come out even. */
  take(): Set<number> {
    const quota = Math.floor(this.#numPartitions / this.numMembers)
    const hasExtra = this.#taken < this.#numPartitions % this.numMembers
    const start = this.#next
    this.#next += hasExtra ? quota + 1 : quota
    this.#taken += 1
    return new Set(Array.from({ length: this.#next - start }, (_, index) => start + index))
  }
}

function take({ subscribedTopicIds }: AssignorMember, ranges: ReadonlyMap<string, Ranges>): PartitionsByTopic {
  const partitions = new Map<string, ReadonlySet<number>>()
  for (const topicId of subscribedTopicIds) {
    const range = ranges.get(topicId)?.take()
    if (range !== undefined && range.size > 0) partitions.set(topicId, range)
  }
  return partitions
}

function compareMembers(
  [firstId, first]: readonly [string, AssignorMember],
  [secondId, second]: readonly [string, AssignorMember],
): number {
  if (first.instanceId !== undefined && second.instanceId !== undefined) {
    return compareText(first.instanceId, second.instanceId)
  }
  if (first.instanceId !== undefined) return -1
  return second.instanceId !== undefined ? 1 : compareText(firstId, secondId)
}

function compareText(first: string, second: string): number {
  if (first === second) return 0
  return first < second ? -1 : 1
}
