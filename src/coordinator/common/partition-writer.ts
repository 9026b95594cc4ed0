import type { TopicPartition } from '../../protocol/topic-partition.ts'

import type { PartitionListener } from '../../replication/partition-listener.ts'

/** The log behind a shard, as its coordinator writes to it (Kafka's PartitionWriter). */
export interface PartitionWriter {
  /** Returns the high watermark now; undefined when this broker does not lead the partition. */
  registerListener(topicPartition: TopicPartition, listener: PartitionListener): number | undefined
  deregisterListener(topicPartition: TopicPartition, listener: PartitionListener): void
  /** `max.message.bytes` of the partition. @throws ApiError NOT_LEADER_OR_FOLLOWER */
  maxMessageBytes(topicPartition: TopicPartition): number
  /**
   * Appends one batch to the leader's log without waiting for followers. Returns the offset after its last record. Rejects
   * with ApiError, the log as it was before; only with KAFKA_STORAGE_ERROR is the outcome open.
   * @param recordCount records in the batch, whose bytes may be changed
   */
  append(topicPartition: TopicPartition, batch: Buffer, recordCount: number): Promise<number>
}
