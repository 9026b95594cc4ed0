import type { ConsumerGroupMetadata } from '../consumer-group-metadata.ts'
import type { Assignment, RebalanceProtocol, Subscription } from '../consumer-partition-assignor.ts'
import type { Assignments, PartitionsPerTopic, Subscriptions } from './abstract-partition-assignor.ts'
import {
  AbstractStickyAssignor,
  DEFAULT_GENERATION,
  type MemberData,
  removePartition,
} from './abstract-sticky-assignor.ts'

/** Bytes of the user data: `generation => INT32`. */
const USER_DATA_BYTES = 4

/**
 * Balanced and sticky, with the cooperative protocol (KIP-429; Kafka's CooperativeStickyAssignor): members keep reading
 * through a rebalance. A partition that changes hands is given to nobody at first; who had it gives it away and starts a
 * second rebalance, which gives it to its new owner.
 */
export class CooperativeStickyAssignor extends AbstractStickyAssignor {
  readonly name = 'cooperative-sticky'
  #generation = DEFAULT_GENERATION

  override get supportedProtocols(): readonly RebalanceProtocol[] {
    return ['COOPERATIVE', 'EAGER']
  }

  override onAssignment(_assignment: Assignment, metadata: ConsumerGroupMetadata): void {
    this.#generation = metadata.generationId
  }

  /** For members before 3.5, whose subscription does not tell the generation itself. */
  override subscriptionUserData(): Buffer {
    const userData = Buffer.alloc(USER_DATA_BYTES)
    userData.writeInt32BE(this.#generation)
    return userData
  }

  protected memberData({ ownedPartitions, generationId, userData }: Subscription): MemberData {
    if (generationId !== undefined) return { partitions: ownedPartitions, generation: generationId }
    if (userData === null) return { partitions: ownedPartitions, generation: undefined }
    const generation = userData.length < USER_DATA_BYTES ? DEFAULT_GENERATION : userData.readInt32BE()
    return { partitions: ownedPartitions, generation }
  }

  protected override assignPartitions(
    partitionsPerTopic: PartitionsPerTopic,
    subscriptions: Subscriptions,
  ): Assignments {
    const { assignments, transferring } = this.assignSticky(partitionsPerTopic, subscriptions)
    for (const [partition, consumer] of transferring) removePartition(assignments.get(consumer) ?? [], partition)
    return assignments
  }
}
