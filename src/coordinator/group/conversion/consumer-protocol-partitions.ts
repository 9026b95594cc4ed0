import type { MetadataImage } from '../../../controller/image/metadata-image.ts'
import type { PartitionsByTopic } from '../assignor/consumer-group-partition-assignor.ts'
import { partitionsByTopic, topicPartitionsOf } from '../modern/consumer/consumer-group-member.ts'

/** Partitions by the names of their topics, as the embedded consumer protocol has them. */
export type NamedPartitions = readonly { readonly topic: string; readonly partitions: readonly number[] }[]

/** The same by the topics' ids; topics that do not exist are left out (Kafka's Utils.toTopicPartitionMap). */
export function partitionsById(named: NamedPartitions, { topics }: MetadataImage): PartitionsByTopic {
  return partitionsByTopic(
    named.flatMap(({ topic, partitions }) => {
      const topicId = topics.getTopic(topic)?.id
      return topicId === undefined ? [] : [{ topicId, partitions }]
    }),
  )
}

/** The other way round (Kafka's Utils.toConsumerProtocolAssignment). */
export function namedPartitions(
  partitions: PartitionsByTopic,
  { topics }: MetadataImage,
): { topic: string; partitions: number[] }[] {
  return topicPartitionsOf(partitions).flatMap(({ topicId, partitions: numbers }) => {
    const topic = topics.getTopicById(topicId)?.name
    return topic === undefined ? [] : [{ topic, partitions: numbers }]
  })
}
