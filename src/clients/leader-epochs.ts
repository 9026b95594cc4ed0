import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'

/** The newest leader epoch seen of each partition. */
export class LeaderEpochs {
  readonly #epochs = new Map<string, { readonly topic: string; readonly epoch: number }>()

  get(partition: TopicPartition): number | undefined {
    return this.#epochs.get(partitionKey(partition))?.epoch
  }

  set(partition: TopicPartition, epoch: number): void {
    this.#epochs.set(partitionKey(partition), { topic: partition.topic, epoch })
  }

  delete(partition: TopicPartition): void {
    this.#epochs.delete(partitionKey(partition))
  }

  /** Forgets all topics but those that `keeps` says yes to. */
  retain(keeps: (topic: string) => boolean): void {
    for (const [key, { topic }] of this.#epochs) if (!keeps(topic)) this.#epochs.delete(key)
  }
}
