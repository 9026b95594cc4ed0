import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import { toPositive } from './murmur2.ts'
import type { Partitioner } from './producer-record.ts'

/** One partition after the other, whatever the key (Kafka's RoundRobinPartitioner): those that have a leader, if any has. */
export class RoundRobinPartitioner implements Partitioner {
  readonly #counters = new Map<string, number>()

  partition(
    topic: string,
    _key: unknown,
    _keyBytes: Buffer | null,
    _value: unknown,
    _valueBytes: Buffer | null,
    cluster: MetadataSnapshot,
  ): number {
    const next = this.#counters.get(topic) ?? 0
    this.#counters.set(topic, (next + 1) | 0)
    const available = cluster.availablePartitionsForTopic(topic)
    const chosen = available[toPositive(next) % available.length]
    return chosen ?? toPositive(next) % (cluster.partitionCountForTopic(topic) ?? 1)
  }
}
