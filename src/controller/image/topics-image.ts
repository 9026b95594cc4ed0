import type { PartitionRegistration } from '../partition-registration.ts'

/** One topic. Never changed in place. */
export interface TopicImage {
  readonly name: string
  readonly id: string
  /** By partition number, ascending. */
  readonly partitions: ReadonlyMap<number, PartitionRegistration>
}

/** All topics at one offset of the metadata log. Never changed in place. */
export class TopicsImage {
  static readonly EMPTY: TopicsImage = new TopicsImage(new Map(), new Map())

  readonly topicsById: ReadonlyMap<string, TopicImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>

  constructor(topicsById: ReadonlyMap<string, TopicImage>, topicsByName: ReadonlyMap<string, TopicImage>) {
    this.topicsById = topicsById
    this.topicsByName = topicsByName
  }

  getTopic(name: string): TopicImage | undefined {
    return this.topicsByName.get(name)
  }

  getTopicById(id: string): TopicImage | undefined {
    return this.topicsById.get(id)
  }

  getPartition(topicId: string, partition: number): PartitionRegistration | undefined {
    return this.topicsById.get(topicId)?.partitions.get(partition)
  }
}
