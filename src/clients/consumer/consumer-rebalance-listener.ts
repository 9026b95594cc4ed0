import type { TopicPartition } from '../../protocol/topic-partition.ts'

/**
 * Hears of changes of the assignment of a consumer that has subscribed (Kafka's ConsumerRebalanceListener). Called within
 * `poll`, `unsubscribe` and `close`, on the thread of their caller, and may call the consumer. What it throws, they throw.
 */
export interface ConsumerRebalanceListener {
  /** Partitions are given away: the last moment to commit what was done with them. */
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Partitions were added; with the eager protocol these are all. Called for an empty list too. */
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>
  /** Partitions were taken: others may own them already. Default: the same as for revoked ones. */
  onPartitionsLost?(partitions: readonly TopicPartition[]): void | Promise<void>
}
