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
