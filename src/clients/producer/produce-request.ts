import type { ProduceRequest } from '../../protocol/apis/produce.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { ProducerBatch } from './producer-batch.ts'

type ProduceRequestBody = MessageInput<typeof ProduceRequest>

/** The request that carries batches of different partitions, all led by one node. */
export function buildProduceRequest(
  batches: readonly ProducerBatch[],
  cluster: MetadataSnapshot,
  acks: -1 | 0 | 1,
  timeoutMs: number,
): (version: number) => ProduceRequestBody {
  const topics = new Map<string, { index: number; records: Buffer }[]>()
  for (const batch of batches) {
    const { topic, partition } = batch.topicPartition
    const partitions = topics.get(topic) ?? []
    partitions.push({ index: partition, records: batch.records() })
    topics.set(topic, partitions)
  }
  return version => ({
    transactionalId: null,
    acks,
    timeoutMs,
    topicData: [...topics].map(([name, partitionData]) =>
      version >= TOPIC_IDS_SINCE ? { topicId: cluster.topicId(name), partitionData } : { name, partitionData },
    ),
  })
}

/** From this version on, Produce names topics by their ids (KIP-516). */
export const TOPIC_IDS_SINCE = 13
