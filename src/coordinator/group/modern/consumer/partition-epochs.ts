import type { SnapshotRegistry } from '../../../common/snapshot-registry.ts'
import { TimelineMap } from '../../../common/timeline-map.ts'
import type { PartitionsByTopic } from '../../assignor/consumer-group-partition-assignor.ts'
import type { ConsumerGroupMember } from './consumer-group-member.ts'

/**
 * Who has what: the epoch of the member that has each partition or has yet to give it up (ConsumerGroup.currentPartitionEpoch).
 * It is what keeps two members from having a partition at a time.
 */
export class PartitionEpochs {
  readonly #epochs: TimelineMap<string, number>

  constructor(snapshotRegistry: SnapshotRegistry) {
    this.#epochs = new TimelineMap(snapshotRegistry)
  }

  /** Undefined: nobody has it. */
  get(topicId: string, partition: number): number | undefined {
    return this.#epochs.get(key(topicId, partition))
  }

  /** What a member has is replaced; undefined: it had, or has, nothing. @throws RangeError if another member has it */
  replace(before: ConsumerGroupMember | undefined, after: ConsumerGroupMember | undefined): void {
    if (before !== undefined) {
      this.#remove(before.assignedPartitions, before.memberEpoch)
      this.#remove(before.partitionsPendingRevocation, before.memberEpoch)
    }
    if (after !== undefined) {
      this.#add(after.assignedPartitions, after.memberEpoch)
      this.#add(after.partitionsPendingRevocation, after.memberEpoch)
    }
  }

  #add(partitions: PartitionsByTopic, epoch: number): void {
    for (const [topicId, numbers] of partitions) {
      for (const partition of numbers) {
        const before = this.get(topicId, partition)
        if (before !== undefined && before >= epoch) {
          throw new RangeError(
            `partition ${partition} of topic ${topicId} is still owned at epoch ${before}, it cannot be at ${epoch}`,
          )
        }
        this.#epochs.set(key(topicId, partition), epoch)
      }
    }
  }

  /** Another member may have got it at a later epoch already; then it stays. */
  #remove(partitions: PartitionsByTopic, epoch: number): void {
    for (const [topicId, numbers] of partitions) {
      for (const partition of numbers) {
        if (this.get(topicId, partition) === epoch) this.#epochs.delete(key(topicId, partition))
      }
    }
  }
}

function key(topicId: string, partition: number): string {
  return `${topicId}-${partition}`
}
