import type { SnapshotRegistry } from '../common/snapshot-registry.ts'
import { TimelineMap } from '../common/timeline-map.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'

type PartitionOffsets = TimelineMap<number, OffsetAndMetadata>
type TopicOffsets = TimelineMap<string, PartitionOffsets>

/** A topic's offsets in one group. */
export interface OffsetsOfTopic {
  readonly topic: string
  readonly partitions: readonly (readonly [partition: number, offset: OffsetAndMetadata])[]
}

/**
 * Offsets by group, topic and partition. Methods with a `committedOffset` read what was there at that snapshot; without one,
 * what is there now.
 */
export class Offsets {
  readonly #registry: SnapshotRegistry
  readonly #byGroup: TimelineMap<string, TopicOffsets>

  constructor(registry: SnapshotRegistry) {
    this.#registry = registry
    this.#byGroup = new TimelineMap(registry)
  }

  get(groupId: string, topic: string, partition: number, committedOffset?: number): OffsetAndMetadata | undefined {
    const topics = at(this.#byGroup, groupId, committedOffset)
    const partitions = topics === undefined ? undefined : at(topics, topic, committedOffset)
    return partitions === undefined ? undefined : at(partitions, partition, committedOffset)
  }

  put(groupId: string, topic: string, partition: number, offset: OffsetAndMetadata): void {
    let topics = this.#byGroup.get(groupId)
    if (topics === undefined) {
      topics = new TimelineMap(this.#registry)
      this.#byGroup.set(groupId, topics)
    }
    let partitions = topics.get(topic)
    if (partitions === undefined) {
      partitions = new TimelineMap(this.#registry)
      topics.set(topic, partitions)
    }
    partitions.set(partition, offset)
  }

  remove(groupId: string, topic: string, partition: number): void {
    const topics = this.#byGroup.get(groupId)
    const partitions = topics?.get(topic)
    if (topics === undefined || partitions === undefined) return
    partitions.delete(partition)
    if (partitions.size === 0) topics.delete(topic)
    if (topics.size === 0) this.#byGroup.delete(groupId)
  }

  /** How many there are now. */
  get size(): number {
    let size = 0
    for (const topics of this.#byGroup.values()) for (const partitions of topics.values()) size += partitions.size
    return size
  }

  get groupIds(): readonly string[] {
    return [...this.#byGroup.keys()]
  }

  /** All offsets of a group; undefined when it has none. */
  ofGroup(groupId: string, committedOffset?: number): readonly OffsetsOfTopic[] | undefined {
    const topics = at(this.#byGroup, groupId, committedOffset)
    if (topics === undefined) return undefined
    return entries(topics, committedOffset).map(([topic, partitions]) => ({
      topic,
      partitions: entries(partitions, committedOffset),
    }))
  }
}

function at<K, V extends NonNullable<unknown>>(
  map: TimelineMap<K, V>,
  key: K,
  committedOffset: number | undefined,
): V | undefined {
  return committedOffset === undefined ? map.get(key) : map.getAt(key, committedOffset)
}

function entries<K, V extends NonNullable<unknown>>(
  map: TimelineMap<K, V>,
  committedOffset: number | undefined,
): readonly (readonly [K, V])[] {
  return committedOffset === undefined ? [...map.entries()] : map.entriesAt(committedOffset)
}
