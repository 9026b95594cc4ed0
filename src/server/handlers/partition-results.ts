import { ZERO_UUID } from '../../protocol/uuid.ts'

interface TopicName {
  readonly name?: string | undefined
  readonly topicId?: string | undefined
}

interface PartitionResult {
  readonly partitionIndex: number
  readonly errorCode: number
}

interface TopicResult {
  readonly name: string
  readonly topicId: string
  readonly partitions: PartitionResult[]
}

/** Puts together what became of partitions in different places, topic by topic (Kafka's response builders). */
export class PartitionResults {
  readonly #topics: TopicResult[] = []

  get topics(): readonly TopicResult[] {
    return this.#topics
  }

  /** The same error for some partitions of a topic. */
  add(topic: TopicName, partitions: readonly { readonly partitionIndex: number }[], errorCode: number): void {
    this.#add(
      topic,
      partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    )
  }

  merge(topics: readonly (TopicName & { readonly partitions: readonly PartitionResult[] })[]): void {
    for (const topic of topics) this.#add(topic, topic.partitions)
  }

  #add({ name = '', topicId = ZERO_UUID }: TopicName, partitions: readonly PartitionResult[]): void {
    if (partitions.length === 0) return
    const found = this.#topics.find(topic => topic.name === name && topic.topicId === topicId)
    if (found === undefined) this.#topics.push({ name, topicId, partitions: [...partitions] })
    else found.partitions.push(...partitions)
  }
}
