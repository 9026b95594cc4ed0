import type { TopicPartition } from '../../protocol/topic-partition.ts'

/** Groups partitions by topic, as requests hold them; topics and numbers in the order given. */
export function partitionsByTopic(partitions: Iterable<TopicPartition>): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers === undefined) topics.set(topic, [partition])
    else numbers.push(partition)
  }
  return [...topics].map(([topic, numbers]) => ({ topic, partitions: numbers }))
}

/** The partitions of such groups. */
export function flattenPartitions(
  topics: Iterable<{ readonly topic: string; readonly partitions: readonly number[] }>,
): TopicPartition[] {
  return [...topics].flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}
