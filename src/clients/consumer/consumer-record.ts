import type { RecordHeader, TimestampType } from '../../protocol/records/batch.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { TopicPartitionMap } from '../topic-partition-map.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'

/** The size of a key or value that is null. */
export const NULL_SIZE = -1

/** A record as a consumer gets it (Kafka's ConsumerRecord). */
export interface ConsumerRecord<K, V> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970; −1: none. */
  readonly timestamp: number
  readonly timestampType: TimestampType
  /** Bytes of the key; −1: null. */
  readonly serializedKeySize: number
  /** Bytes of the value; −1: null. */
  readonly serializedValueSize: number
  readonly key: K | null
  readonly value: V | null
  readonly headers: readonly RecordHeader[]
  /** Of the leader that appended it; undefined: not known. */
  readonly leaderEpoch: number | undefined
}

/** What one `poll` brings (Kafka's ConsumerRecords): in order within each partition. Iterates over all records. */
export class ConsumerRecords<K, V> implements Iterable<ConsumerRecord<K, V>> {
  readonly #records: TopicPartitionMap<readonly ConsumerRecord<K, V>[]>
  /** Where each partition goes on after these records. */
  readonly nextOffsets: TopicPartitionMap<OffsetAndMetadata>

  constructor(
    records: TopicPartitionMap<readonly ConsumerRecord<K, V>[]> = new TopicPartitionMap(),
    nextOffsets: TopicPartitionMap<OffsetAndMetadata> = new TopicPartitionMap(),
  ) {
    this.#records = records
    this.nextOffsets = nextOffsets
  }

  /** Records of all partitions. */
  get count(): number {
    return this.#records.values().reduce((sum, records) => sum + records.length, 0)
  }

  get isEmpty(): boolean {
    return this.#records.size === 0
  }

  /** Those that records are of. */
  get partitions(): TopicPartition[] {
    return this.#records.keys()
  }

  /** The records of a partition, or of all partitions of a topic. */
  records(of: TopicPartition | string): readonly ConsumerRecord<K, V>[] {
    if (typeof of !== 'string') return this.#records.get(of) ?? []
    return [...this.#records].flatMap(([{ topic }, records]) => (topic === of ? records : []))
  }

  *[Symbol.iterator](): IterableIterator<ConsumerRecord<K, V>> {
    for (const records of this.#records.values()) yield* records
  }
}
