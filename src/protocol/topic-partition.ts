/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** One partition of one topic that is meant by its id: not of another topic with the same name before or after it. */
export interface TopicIdPartition extends TopicPartition {
  readonly topicId: string
}

/** `orders-0`: the partition's directory name, and a key that no other partition has. */
export function partitionKey(topicPartition: TopicPartition): string {
  return `${topicPartition.topic}-${topicPartition.partition}`
}

/** The partition that a directory name such as `orders-0` stands for; undefined when it stands for none. */
export function parsePartitionKey(name: string): TopicPartition | undefined {
  const match = /^([a-zA-Z0-9._-]{1,249})-(0|[1-9]\d{0,9})$/.exec(name)
  const [, topic, digits] = match ?? []
  if (topic === undefined || digits === undefined) return undefined
  return { topic, partition: Number(digits) }
}
