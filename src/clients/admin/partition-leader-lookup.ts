import { Metadata } from '../../protocol/apis/metadata.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { exceptionFor, type KafkaError } from '../errors.ts'
import type { AdminContext } from './admin-context.ts'

/** The leaders of these partitions (Kafka's PartitionLeaderStrategy); those that have none now are left out. */
export async function lookUpLeaders<P extends TopicPartition>(
  { runnable }: AdminContext,
  partitions: readonly P[],
  deadlineMs: number,
): Promise<ReadonlyMap<P, number | KafkaError>> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))].map(name => ({ name }))
  const { body } = await runnable.call(
    {
      name: 'findPartitionLeaders',
      node: 'least-loaded',
      api: Metadata,
      body: () => ({ topics, allowAutoTopicCreation: false }),
    },
    deadlineMs,
  )
  const leaders = new Map<string, number | KafkaError>()
  const failed = new Map<string, KafkaError>()
  for (const { name, errorCode, partitions: told } of body.topics) {
    if (name === null) continue
    if (errorCode !== ErrorCode.NONE && !isRetriable(errorCode)) failed.set(name, exceptionFor(errorCode))
    for (const partition of told) {
      if (partition.leaderId < 0) continue
      leaders.set(partitionKey({ topic: name, partition: partition.partitionIndex }), partition.leaderId)
    }
  }
  const found = new Map<P, number | KafkaError>()
  for (const partition of partitions) {
    const leader = failed.get(partition.topic) ?? leaders.get(partitionKey(partition))
    if (leader !== undefined) found.set(partition, leader)
  }
  return found
}
