import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'

/**
 * A map whose keys are partitions, equal when topic and number are equal. It keeps the order in which keys were first set.
 * It takes what a `Map` with partitions as keys gives when iterated.
 */
export class TopicPartitionMap<V> implements Iterable<readonly [TopicPartition, V]> {
  readonly #entries = new Map<string, readonly [TopicPartition, V]>()

  constructor(entries: Iterable<readonly [TopicPartition, V]> = []) {
    for (const [partition, value] of entries) this.set(partition, value)
  }

  get size(): number {
    return this.#entries.size
  }

  has(partition: TopicPartition): boolean {
    return this.#entries.has(partitionKey(partition))
  }

  get(partition: TopicPartition): V | undefined {
    return this.#entries.get(partitionKey(partition))?.[1]
  }

  set(partition: TopicPartition, value: V): this {
    this.#entries.set(partitionKey(partition), [partition, value])
    return this
  }

  /** Whether there was one. */
  delete(partition: TopicPartition): boolean {
    return this.#entries.delete(partitionKey(partition))
  }

  clear(): void {
    this.#entries.clear()
  }

  /** The partitions, in order. */
  keys(): TopicPartition[] {
    return [...this.#entries.values()].map(([partition]) => partition)
  }

  values(): V[] {
    return [...this.#entries.values()].map(([, value]) => value)
  }

  [Symbol.iterator](): IterableIterator<readonly [TopicPartition, V]> {
    return this.#entries.values()
  }
}

/** A set of partitions, equal when topic and number are equal; in the order in which they were added. */
export class TopicPartitionSet implements Iterable<TopicPartition> {
  readonly #partitions = new Map<string, TopicPartition>()

  constructor(partitions: Iterable<TopicPartition> = []) {
    for (const partition of partitions) this.add(partition)
  }

  get size(): number {
    return this.#partitions.size
  }

  has(partition: TopicPartition): boolean {
    return this.#partitions.has(partitionKey(partition))
  }

  add(partition: TopicPartition): this {
    const key = partitionKey(partition)
    if (!this.#partitions.has(key)) this.#partitions.set(key, partition)
    return this
  }

  delete(partition: TopicPartition): boolean {
    return this.#partitions.delete(partitionKey(partition))
  }

  /** Whether both hold the same partitions, in any order. */
  equals(other: TopicPartitionSet): boolean {
    return this.size === other.size && [...this].every(partition => other.has(partition))
  }

  [Symbol.iterator](): IterableIterator<TopicPartition> {
    return this.#partitions.values()
  }
}

/** By topic, then by number (Kafka's TopicPartitionComparator). */
export function compareTopicPartitions(one: TopicPartition, other: TopicPartition): number {
  return compareStrings(one.topic, other.topic) || one.partition - other.partition
}

/** By UTF-16 code units, as Java orders strings. */
export function compareStrings(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

export function isSamePartition(one: TopicPartition, other: TopicPartition): boolean {
  return one.partition === other.partition && one.topic === other.topic
}

/** `orders-0, orders-1` for messages. */
export function describePartitions(partitions: Iterable<TopicPartition>): string {
  return [...partitions].map(partitionKey).join(', ')
}
