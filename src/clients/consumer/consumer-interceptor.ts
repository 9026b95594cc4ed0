import type { Interceptor } from '../interceptors.ts'
import type { TopicPartitionMap } from '../topic-partition-map.ts'
import type { ConsumerRecords } from './consumer-record.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'

/** Sees, and may change, what a consumer gets and commits (Kafka's ConsumerInterceptor). What it throws is reported only. */
export interface ConsumerInterceptor<K, V> extends Interceptor {
  /** Before `poll` returns records; the next interceptor, or the application, gets what it returns. */
  onConsume?(records: ConsumerRecords<K, V>): ConsumerRecords<K, V>
  /** After offsets were committed. */
  onCommit?(offsets: TopicPartitionMap<OffsetAndMetadata>): void
}
