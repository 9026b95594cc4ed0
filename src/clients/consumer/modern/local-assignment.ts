/** Partition numbers in order, by topic id. */
export type PartitionsByTopicId = ReadonlyMap<string, readonly number[]>

const NONE_EPOCH = -1

/**
 * An assignment as the member counts them (AbstractMembershipManager.LocalAssignment): its epoch grows with each that comes,
 * so that one which is as the last one but one is told the group again.
 */
export class LocalAssignment {
  static readonly NONE = new LocalAssignment(NONE_EPOCH, new Map())

  readonly localEpoch: number
  readonly partitions: PartitionsByTopicId

  constructor(localEpoch: number, partitions: PartitionsByTopicId) {
    this.localEpoch = localEpoch
    this.partitions = partitions
  }

  get isNone(): boolean {
    return this.localEpoch === NONE_EPOCH
  }

  equals(other: LocalAssignment): boolean {
    return this.localEpoch === other.localEpoch && this.hasSamePartitions(other.partitions)
  }

  hasSamePartitions(others: PartitionsByTopicId): boolean {
    if (this.partitions.size !== others.size) return false
    return [...this.partitions].every(([topicId, numbers]) => {
      const other = others.get(topicId)
      return other !== undefined && other.length === numbers.length && other.every((number, i) => number === numbers[i])
    })
  }

  /** The one that follows when these partitions come; undefined: it is this one. */
  updateWith(partitions: PartitionsByTopicId): LocalAssignment | undefined {
    if (!this.isNone && this.hasSamePartitions(partitions)) return undefined
    return new LocalAssignment(this.localEpoch + 1, partitions)
  }
}
