import type { TopicPartition } from '../protocol/topic-partition.ts'

/** Follows a partition on the broker that leads it (Kafka's PartitionListener). Called synchronously; must not throw. */
export interface PartitionListener {
  /**
   * The high watermark has moved on. Only a leader's: to one that has become a follower it says nothing of what it appended
   * itself.
   */
  onHighWatermarkUpdated(topicPartition: TopicPartition, highWatermark: number): void
}
