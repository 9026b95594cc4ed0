import type { PartitionsByTopic } from './consumer-group-partition-assignor.ts'

/** Partitions by topic that are being put together. */
export type MutablePartitions = Map<string, Set<number>>

/** A copy that may be changed. */
export function copyOf(partitions: PartitionsByTopic): MutablePartitions {
  return new Map([...partitions].map(([topicId, numbers]) => [topicId, new Set(numbers)]))
}

export function addPartition(partitions: MutablePartitions, topicId: string, partition: number): void {
  const numbers = partitions.get(topicId)
  if (numbers === undefined) partitions.set(topicId, new Set([partition]))
  else numbers.add(partition)
}

export function removePartition(partitions: MutablePartitions, topicId: string, partition: number): void {
  const numbers = partitions.get(topicId)
  numbers?.delete(partition)
  if (numbers?.size === 0) partitions.delete(topicId)
}

/** No partition of any topic. */
export const NO_PARTITIONS: PartitionsByTopic = new Map()

/** Whether all of the first are among the second. */
export function isSubset(first: PartitionsByTopic, second: PartitionsByTopic): boolean {
  return [...first].every(([topicId, numbers]) => {
    const others = second.get(topicId)
    return others !== undefined && [...numbers].every(partition => others.has(partition))
  })
}

export function samePartitions(first: PartitionsByTopic, second: PartitionsByTopic): boolean {
  return first === second || (isSubset(first, second) && isSubset(second, first))
}
