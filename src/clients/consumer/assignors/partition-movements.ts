import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../../topic-partition-map.ts'

interface ConsumerPair {
  readonly from: string
  readonly to: string
}

/**
 * Which partitions an assignment has moved from whom to whom, so that no two consumers end with partitions of one topic
 * swapped: instead of a second partition going the opposite way, the first goes back (Kafka's PartitionMovements).
 */
export class PartitionMovements {
  readonly #byPartition = new TopicPartitionMap<ConsumerPair>()
  readonly #byTopic = new Map<string, Map<string, TopicPartitionSet>>()

  moved(partition: TopicPartition, from: string, to: string): void {
    const before = this.#byPartition.get(partition)
    if (before === undefined) {
      this.#add(partition, { from, to })
      return
    }
    this.#remove(partition, before)
    if (before.from !== to) this.#add(partition, { from: before.from, to })
  }

  /** The partition to move so that `partition`'s topic has one less at `from` and one more at `to`. */
  actualPartitionToMove(partition: TopicPartition, from: string, to: string): TopicPartition {
    const origin = this.#byPartition.get(partition)?.from ?? from
    const opposite = this.#byTopic.get(partition.topic)?.get(keyOf({ from: to, to: origin }))
    const [movedBefore] = opposite ?? []
    return movedBefore ?? partition
  }

  #add(partition: TopicPartition, pair: ConsumerPair): void {
    this.#byPartition.set(partition, pair)
    const ofTopic = this.#byTopic.get(partition.topic) ?? new Map<string, TopicPartitionSet>()
    this.#byTopic.set(partition.topic, ofTopic)
    ofTopic.set(keyOf(pair), (ofTopic.get(keyOf(pair)) ?? new TopicPartitionSet()).add(partition))
  }

  #remove(partition: TopicPartition, pair: ConsumerPair): void {
    this.#byPartition.delete(partition)
    this.#byTopic.get(partition.topic)?.get(keyOf(pair))?.delete(partition)
  }
}

function keyOf({ from, to }: ConsumerPair): string {
  return JSON.stringify([from, to])
}
