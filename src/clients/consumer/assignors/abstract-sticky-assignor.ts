import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { isSamePartition, TopicPartitionMap, TopicPartitionSet } from '../../topic-partition-map.ts'
import type { Subscription } from '../consumer-partition-assignor.ts'
import {
  AbstractPartitionAssignor,
  type Assignments,
  type PartitionsPerTopic,
  type Subscriptions,
} from './abstract-partition-assignor.ts'
import { buildConstrainedAssignment } from './constrained-assignment.ts'
import { buildGeneralAssignment, type PreviousOwner } from './general-assignment.ts'
import { javaHashOrder } from './java-hash-order.ts'
import { RackInfo } from './rack-info.ts'

/** The generation of who was in none. */
export const DEFAULT_GENERATION = -1

/** What a member had before, as its subscription tells. */
export interface MemberData {
  readonly partitions: readonly TopicPartition[]
  /** Undefined: from a client that does not tell. */
  readonly generation: number | undefined
}

/** What members own of the topics that are there, when all claims are settled. */
interface OwnedPartitions {
  readonly byConsumer: Assignments
  /** Claimed by several members of one generation: they are nobody's. */
  readonly withMultipleOwners: TopicPartitionSet
}

/**
 * As balanced as can be, and keeps as many partitions where they are as that allows (KIP-54, KIP-341; Kafka's
 * AbstractStickyAssignor). When all members have subscribed to the same topics, a faster algorithm does it (KIP-441).
 */
export abstract class AbstractStickyAssignor extends AbstractPartitionAssignor {
  #maxGeneration = DEFAULT_GENERATION

  protected abstract memberData(subscription: Subscription): MemberData

  protected assignPartitions(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions): Assignments {
    return this.assignSticky(partitionsPerTopic, subscriptions).assignments
  }

  /** The assignment, and those of its partitions that their last owner has to give away first, with the new owner. */
  protected assignSticky(partitionsPerTopic: PartitionsPerTopic, subscriptions: Subscriptions): StickyAssignment {
    const members = new Map<string, MemberData>()
    for (const member of javaHashOrder(subscriptions.keys())) {
      const subscription = subscriptions.get(member)
      if (subscription !== undefined) members.set(member, this.memberData(subscription))
    }
    for (const { generation = DEFAULT_GENERATION } of members.values()) {
      this.#maxGeneration = Math.max(this.#maxGeneration, generation)
    }
    const owned = ownedPartitions(partitionsPerTopic, subscriptions, members)
    const rackInfo = new RackInfo(partitionsPerTopic, subscriptions)
    if (areAllSubscriptionsEqual(subscriptions)) {
      return buildConstrainedAssignment(partitionsPerTopic, rackInfo, owned.byConsumer, owned.withMultipleOwners)
    }
    const previous = this.#previousOwners(members)
    const assignments = buildGeneralAssignment(partitionsPerTopic, rackInfo, owned.byConsumer, subscriptions, previous)
    return { assignments, transferring: partitionsTransferringOwnership(subscriptions, assignments) }
  }

  /** Who had what in an older generation than the newest: a place to move partitions back to. */
  #previousOwners(members: ReadonlyMap<string, MemberData>): TopicPartitionMap<PreviousOwner> {
    const previous = new TopicPartitionMap<PreviousOwner>()
    for (const [consumer, { partitions, generation = DEFAULT_GENERATION }] of members) {
      if (generation >= this.#maxGeneration) continue
      for (const partition of partitions) {
        const known = previous.get(partition)
        if (known === undefined || generation > known.generation) previous.set(partition, { consumer, generation })
      }
    }
    return previous
  }
}

export interface StickyAssignment {
  readonly assignments: Assignments
  /** The new owner of partitions that another member owns still. */
  readonly transferring: TopicPartitionMap<string>
}

function areAllSubscriptionsEqual(subscriptions: Subscriptions): boolean {
  let first: ReadonlySet<string> | undefined
  for (const { topics } of subscriptions.values()) {
    if (first === undefined || first.size === 0) first = new Set(topics)
    else if (topics.length !== first.size || !topics.every(topic => first?.has(topic))) return false
  }
  return true
}

function ownedPartitions(
  partitionsPerTopic: PartitionsPerTopic,
  subscriptions: Subscriptions,
  members: ReadonlyMap<string, MemberData>,
): OwnedPartitions {
  const byConsumer: Assignments = new Map([...members.keys()].map(member => [member, []]))
  const withMultipleOwners = new TopicPartitionSet()
  const owners = new TopicPartitionMap<string>()
  for (const [consumer, { partitions, generation = DEFAULT_GENERATION }] of members) {
    for (const partition of partitions) {
      if (!partitionsPerTopic.has(partition.topic)) continue
      const other = owners.get(partition)
      // Kafka compares with what the subscription itself says, not with what the assignor's user data says.
      const otherGeneration = other === undefined ? undefined : subscriptions.get(other)?.generationId
      const isNewer = generation > (otherGeneration ?? DEFAULT_GENERATION)
      const isTie = generation === (otherGeneration ?? DEFAULT_GENERATION)
      if (other !== undefined && !isNewer && !isTie) continue
      if (other !== undefined) removePartition(byConsumer.get(other) ?? [], partition)
      if (other !== undefined && isTie) withMultipleOwners.add(partition)
      else byConsumer.get(consumer)?.push(partition)
      owners.set(partition, consumer)
    }
  }
  return { byConsumer, withMultipleOwners }
}

/** Partitions that somebody gets whom they did not belong to, and that somebody loses. */
function partitionsTransferringOwnership(
  subscriptions: Subscriptions,
  assignments: Assignments,
): TopicPartitionMap<string> {
  const added = new TopicPartitionMap<string>()
  const revoked = new TopicPartitionSet()
  for (const [consumer, assigned] of assignments) {
    const owned = new TopicPartitionSet(subscriptions.get(consumer)?.ownedPartitions)
    const kept = new TopicPartitionSet(assigned)
    for (const partition of assigned) if (!owned.has(partition)) added.set(partition, consumer)
    for (const partition of owned) if (!kept.has(partition)) revoked.add(partition)
  }
  return new TopicPartitionMap([...added].filter(([partition]) => revoked.has(partition)))
}

/** Takes a partition out of a list, if it is in there. */
export function removePartition(partitions: TopicPartition[], partition: TopicPartition): void {
  const index = partitions.findIndex(candidate => isSamePartition(candidate, partition))
  if (index >= 0) partitions.splice(index, 1)
}
