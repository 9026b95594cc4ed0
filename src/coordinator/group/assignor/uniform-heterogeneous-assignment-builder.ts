import { compareUuids } from '../../../protocol/uuid.ts'
import {
  existingPartitions,
  type GroupAssignment,
  type GroupSpec,
  type SubscribedTopicDescriber,
} from './consumer-group-partition-assignor.ts'
import { MemberAssignmentBalancer } from './member-assignment-balancer.ts'
import { addPartition, copyOf, type MutablePartitions, removePartition } from './partitions.ts'

/** Subscriptions that overlap without being the same may take many rounds; each about halves the imbalance that is left. */
const MAX_ROUNDS = 16

interface Topic {
  readonly topicId: string
  /** Numbers of the members who read it, ascending. */
  readonly subscribers: number[]
  /** The number of the member who has each partition; undefined: nobody. */
  readonly owners: (number | undefined)[]
}

/**
 * Divides the partitions of topics that not all members read (Kafka's UniformHeterogeneousAssignmentBuilder): members keep what
 * they still read, partitions without an owner go to the least loaded of those who read their topic, and then partitions move
 * from the most to the least loaded ones, topic by topic, until that betters nothing.
 */
export function assignHeterogeneous(group: GroupSpec, topics: SubscribedTopicDescriber): GroupAssignment {
  return new UniformHeterogeneousAssignmentBuilder(group, topics).build()
}

class UniformHeterogeneousAssignmentBuilder {
  readonly #memberIds: readonly string[]
  readonly #target: MutablePartitions[] = []
  /** How many partitions each member has. */
  readonly #sizes: number[] = []
  readonly #topics = new Map<string, Topic>()
  readonly #balancer = new MemberAssignmentBalancer(this.#sizes)

  constructor({ members }: GroupSpec, topics: SubscribedTopicDescriber) {
    this.#memberIds = [...members.keys()]
    for (const [member, { subscribedTopicIds }] of [...members.values()].entries()) {
      for (const topicId of subscribedTopicIds) this.#topicOf(topicId, topics).subscribers.push(member)
    }
    for (const { subscribedTopicIds, assignedPartitions } of members.values()) {
      const kept = [...assignedPartitions].filter(([topicId]) => subscribedTopicIds.has(topicId))
      this.#keep(copyOf(new Map(kept)))
    }
  }

  build(): GroupAssignment {
    if (this.#topics.size === 0) return new Map()
    const sorted = [...this.#topics.values()].sort(compareTopics)
    for (const topic of sorted) this.#assignRemaining(topic)
    this.#balance(sorted.filter(({ subscribers }) => subscribers.length > 1))
    return new Map(this.#memberIds.map((memberId, member) => [memberId, this.#target[member] ?? new Map()]))
  }

  #topicOf(topicId: string, topics: SubscribedTopicDescriber): Topic {
    let topic = this.#topics.get(topicId)
    if (topic === undefined) {
      const owners = new Array<number | undefined>(existingPartitions(topics, topicId)).fill(undefined)
      topic = { topicId, subscribers: [], owners }
      this.#topics.set(topicId, topic)
    }
    return topic
  }

  #keep(partitions: MutablePartitions): void {
    const member = this.#target.length
    let size = 0
    for (const [topicId, numbers] of partitions) {
      for (const partition of numbers) {
        const topic = this.#topics.get(topicId)
        if (topic !== undefined) topic.owners[partition] = member
        size += 1
      }
    }
    this.#target.push(partitions)
    this.#sizes.push(size)
  }

  #assignRemaining(topic: Topic): void {
    this.#balancer.initialize(topic.subscribers)
    for (const [partition, owner] of topic.owners.entries()) {
      if (owner === undefined) this.#assign(topic, partition, this.#balancer.nextLeastLoadedMember())
    }
  }

  /** Until a whole round has moved nothing. */
  #balance(topics: readonly Topic[]): void {
    let lastMoved: Topic | undefined
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      for (const topic of topics) {
        if (topic === lastMoved) return
        const moved = this.#balanceTopic(topic)
        if (moved || lastMoved === undefined) lastMoved = topic
      }
    }
  }

  /** Moves partitions of one topic as long as that betters the balance of those who read it. Returns whether any moved. */
  #balanceTopic(topic: Topic): boolean {
    const balancer = this.#balancer
    if (balancer.initialize(topic.subscribers) <= 1) return false
    const partitionsOf = new Map<number, number[]>()
    for (const [partition, owner] of topic.owners.entries()) {
      if (owner === undefined) continue
      const partitions = partitionsOf.get(owner)
      if (partitions === undefined) partitionsOf.set(owner, [partition])
      else partitions.push(partition)
    }
    let moved = false
    while (!balancer.isBalanced) {
      const partition = this.#nextToMove(partitionsOf)
      if (partition === undefined) break
      const receiver = balancer.nextLeastLoadedMember()
      // The levels tell only now.
      if (balancer.isBalanced) break
      this.#assign(topic, partition, receiver)
      moved = true
    }
    return moved
  }

  /** The last partition of the most loaded member that has one; undefined: nobody has. */
  #nextToMove(partitionsOf: ReadonlyMap<number, number[]>): number | undefined {
    for (;;) {
      const giver = this.#balancer.nextMostLoadedMember()
      if (giver === undefined) return undefined
      const partition = partitionsOf.get(giver)?.pop()
      if (partition !== undefined) return partition
      this.#balancer.excludeMostLoadedMember()
    }
  }

  #assign({ topicId, owners }: Topic, partition: number, member: number): void {
    const owner = owners[partition]
    if (owner !== undefined) {
      removePartition(this.#partitionsOf(owner), topicId, partition)
      this.#sizes[owner] = (this.#sizes[owner] ?? 0) - 1
    }
    addPartition(this.#partitionsOf(member), topicId, partition)
    this.#sizes[member] = (this.#sizes[member] ?? 0) + 1
    owners[partition] = member
  }

  #partitionsOf(member: number): MutablePartitions {
    const partitions = this.#target[member]
    if (partitions === undefined) throw new RangeError(`no member ${member} of ${this.#target.length}`)
    return partitions
  }
}

/** Those with most partitions a reader first, of these those with fewest readers, and then by their ids. */
function compareTopics(first: Topic, second: Topic): number {
  const share = ({ owners, subscribers }: Topic) => owners.length / subscribers.length
  return (
    share(second) - share(first) ||
    first.subscribers.length - second.subscribers.length ||
    compareUuids(first.topicId, second.topicId)
  )
}
