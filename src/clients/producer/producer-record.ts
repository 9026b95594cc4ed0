import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Interceptor } from '../interceptors.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { Headers } from '../serialization.ts'

/** What an application sends (Kafka's ProducerRecord). */
export interface ProducerRecord<K, V> {
  readonly topic: string
  /** Undefined: the partitioner chooses. */
  readonly partition?: number
  readonly key?: K | null
  readonly value: V | null
  /** Milliseconds since 1970; undefined: now. */
  readonly timestamp?: number
  readonly headers?: Headers
}

/** Where a record is (Kafka's RecordMetadata). */
export interface RecordMetadata extends TopicPartition {
  /** −1: not known, because nothing was answered (acks 0, or an error), or the record was there already. */
  readonly offset: number
  /** Of the record; of its append when the topic says so. −1: not known. */
  readonly timestamp: number
  /** −1: null, or not known. */
  readonly serializedKeySize: number
  readonly serializedValueSize: number
}

/**
 * Called once for each record that was sent, on the thread that does the producer's input and output: in the order in which
 * the records of a partition were sent. It must not wait. After an error, `metadata` has an offset of −1.
 */
export type Callback = (metadata: RecordMetadata, error: Error | undefined) => void

/** Chooses partitions (org.apache.kafka.clients.producer.Partitioner). */
export interface Partitioner<K = unknown, V = unknown> {
  /** A partition number, not negative. */
  partition(
    topic: string,
    key: K | null,
    keyBytes: Buffer | null,
    value: V | null,
    valueBytes: Buffer | null,
    cluster: MetadataSnapshot,
  ): number
  close?(): void
}

/** Sees, and may change, what is sent (org.apache.kafka.clients.producer.ProducerInterceptor). What it throws is ignored. */
export interface ProducerInterceptor<K, V> extends Interceptor {
  /** Before anything else; gives the record that is really sent. */
  onSend?(record: ProducerRecord<K, V>): ProducerRecord<K, V>
  /** When a record is acknowledged or has failed, before its callback. */
  onAcknowledgement?(metadata: RecordMetadata, error: Error | undefined, headers: Headers): void
}
