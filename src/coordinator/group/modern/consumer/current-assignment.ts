import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'

/**
 * How far a member of a consumer group has come towards what it is to have (Kafka's MemberState).
 *
 * - `STABLE`: it has all that it was to have in its epoch.
 * - `UNREVOKED_PARTITIONS`: it has yet to give up partitions; until then it stays in its epoch.
 * - `UNRELEASED_PARTITIONS`: it waits for partitions that other members have yet to give up.
 * - `UNKNOWN`: a later version of the coordinator has written a state that this one does not know.
 */
export type MemberState = 'STABLE' | 'UNREVOKED_PARTITIONS' | 'UNRELEASED_PARTITIONS' | 'UNKNOWN'

/** What a member has now, as the record ConsumerGroupCurrentMemberAssignment tells it (KIP-848). Never changed in place. */
export interface CurrentAssignment {
  readonly memberEpoch: number
  /** The epoch before; what a member commits with it while it has not heard of the new one counts. */
  readonly previousMemberEpoch: number
  readonly state: MemberState
  readonly assignedPartitions: PartitionsByTopic
  /** It has these still, and is to give them up. */
  readonly partitionsPendingRevocation: PartitionsByTopic
}
