import type {
  ClearElrRecord,
  MetadataRecord,
  PartitionChangeRecord,
  PartitionRecord,
  RemoveTopicRecord,
  TopicRecord,
} from '../metadata-records.ts'
import { MetadataReplayError } from '../metadata-replay-error.ts'
import {
  leaderRecoveryStateFromByte,
  mergePartitionChange,
  type PartitionRegistration,
} from '../partition-registration.ts'
import { type LocalReplicaChanges, localReplicaChanges } from './local-replica-changes.ts'
import { sortedMap } from './sorted-map.ts'
import { type TopicImage, TopicsImage } from './topics-image.ts'

/** The records about a topic's partitions. */
export type PartitionsRecord = Extract<MetadataRecord, { type: 'PartitionRecord' | 'PartitionChangeRecord' }>

/** The records about topics, except their removal. */
export type TopicsRecord = PartitionsRecord | Extract<MetadataRecord, { type: 'TopicRecord' }>

/** What has changed of one topic. */
export class TopicDelta {
  readonly name: string
  readonly id: string
  readonly #base: ReadonlyMap<number, PartitionRegistration>
  readonly #changes = new Map<number, PartitionRegistration>()

  constructor(base: TopicImage) {
    this.name = base.name
    this.id = base.id
    this.#base = base.partitions
  }

  /** New state by partition number, in the order in which partitions first changed. */
  get partitionChanges(): ReadonlyMap<number, PartitionRegistration> {
    return this.#changes
  }

  /** The partition as it was before, undefined when it is new. */
  previous(partition: number): PartitionRegistration | undefined {
    return this.#base.get(partition)
  }

  /** Nobody is eligible any more without being in sync. */
  clearElr(): void {
    for (const partitionId of new Set([...this.#base.keys(), ...this.#changes.keys()])) {
      const current = this.#changes.get(partitionId) ?? this.#base.get(partitionId)
      if (current === undefined || (current.elr.length === 0 && current.lastKnownElr.length === 0)) continue
      const partitionEpoch = current.partitionEpoch + 1
      this.#changes.set(partitionId, { ...current, elr: [], lastKnownElr: [], partitionEpoch })
    }
  }

  /** Throws MetadataReplayError for a change of a partition that is not there. */
  replay(record: PartitionsRecord): void {
    if (record.type === 'PartitionRecord') this.#changes.set(record.data.partitionId, partitionFromRecord(record.data))
    else this.#replayPartitionChange(record.data)
  }

  apply(): TopicImage {
    const partitions = new Map(this.#base)
    let ascending = true
    for (const [id, partition] of this.#changes) {
      if (!partitions.has(id) && id !== partitions.size) ascending = false
      partitions.set(id, partition)
    }
    if (ascending) return { name: this.name, id: this.id, partitions }
    return { name: this.name, id: this.id, partitions: sortedMap(partitions) }
  }

  #replayPartitionChange(record: PartitionChangeRecord): void {
    const current = this.#changes.get(record.partitionId) ?? this.#base.get(record.partitionId)
    if (current === undefined) {
      throw new MetadataReplayError(
        'PartitionChangeRecord',
        `topic ${this.name} (${this.id}) has no partition ${record.partitionId}`,
      )
    }
    this.#changes.set(record.partitionId, mergePartitionChange(current, record))
  }
}

/** What has changed of all topics since an image. */
export class TopicsDelta {
  readonly image: TopicsImage
  readonly #changed = new Map<string, TopicDelta>()
  readonly #deleted = new Set<string>()
  readonly #createdIdsByName = new Map<string, string>()

  constructor(image: TopicsImage) {
    this.image = image
  }

  /** Topics that were created or have changed and still exist, by id. */
  get changedTopics(): ReadonlyMap<string, TopicDelta> {
    return this.#changed
  }

  /** Topics of the image that no longer exist, by id. */
  get deletedTopicIds(): ReadonlySet<string> {
    return this.#deleted
  }

  /** Topics that did not exist before and do now. */
  get createdTopicIds(): string[] {
    return [...this.#changed.keys()].filter(id => !this.image.topicsById.has(id))
  }

  get isEmpty(): boolean {
    return this.#changed.size === 0 && this.#deleted.size === 0
  }

  /** Throws MetadataReplayError when the record names a topic or partition that is not there, or a new one that is. */
  replay(record: TopicsRecord): void {
    if (record.type === 'TopicRecord') this.#replayTopic(record.data)
    else this.#topicDelta(record.data.topicId, record.type).replay(record)
  }

  /** Throws MetadataReplayError when there is no topic of that name. */
  replayClearElr({ topicName }: ClearElrRecord): void {
    if (topicName !== '') {
      this.#topicDelta(this.#idByName(topicName) ?? '', 'ClearElrRecord').clearElr()
      return
    }
    for (const id of new Set([...this.image.topicsById.keys(), ...this.#changed.keys()])) {
      if (!this.#deleted.has(id)) this.#topicDelta(id, 'ClearElrRecord').clearElr()
    }
  }

  /** Returns the name of the removed topic. */
  replayRemoveTopic(record: RemoveTopicRecord): string {
    const { name } = this.#topicDelta(record.topicId, 'RemoveTopicRecord')
    this.#changed.delete(record.topicId)
    if (this.#createdIdsByName.get(name) === record.topicId) this.#createdIdsByName.delete(name)
    if (this.image.topicsById.has(record.topicId)) this.#deleted.add(record.topicId)
    return name
  }

  /** What a broker has to do for the replicas that it hosts. */
  localChanges(brokerId: number): LocalReplicaChanges {
    return localReplicaChanges(this, brokerId)
  }

  apply(): TopicsImage {
    if (this.isEmpty) return this.image
    const byId = new Map(this.image.topicsById)
    const byName = new Map(this.image.topicsByName)
    for (const id of this.#deleted) {
      const topic = byId.get(id)
      byId.delete(id)
      if (topic !== undefined) byName.delete(topic.name)
    }
    for (const [id, delta] of this.#changed) {
      const topic = delta.apply()
      byId.set(id, topic)
      byName.set(topic.name, topic)
    }
    return new TopicsImage(byId, byName)
  }

  /** Undefined when there is no such topic. */
  #idByName(name: string): string | undefined {
    const id = this.#createdIdsByName.get(name) ?? this.image.topicsByName.get(name)?.id
    return id === undefined || this.#deleted.has(id) ? undefined : id
  }

  #replayTopic(record: TopicRecord): void {
    const existing = this.#idByName(record.name)
    if (existing !== undefined) {
      throw new MetadataReplayError('TopicRecord', `topic ${record.name} exists already with id ${existing}`)
    }
    this.#createdIdsByName.set(record.name, record.topicId)
    this.#changed.set(record.topicId, new TopicDelta({ name: record.name, id: record.topicId, partitions: new Map() }))
  }

  #topicDelta(id: string, recordType: string): TopicDelta {
    const changed = this.#changed.get(id)
    if (changed !== undefined) return changed
    const base = this.#deleted.has(id) ? undefined : this.image.topicsById.get(id)
    if (base === undefined) throw new MetadataReplayError(recordType, `there is no topic with id ${id}`)
    const delta = new TopicDelta(base)
    this.#changed.set(id, delta)
    return delta
  }
}

function partitionFromRecord(record: PartitionRecord): PartitionRegistration {
  return {
    replicas: record.replicas,
    directories: record.directories,
    isr: record.isr,
    removingReplicas: record.removingReplicas,
    addingReplicas: record.addingReplicas,
    elr: record.eligibleLeaderReplicas ?? [],
    lastKnownElr: record.lastKnownElr ?? [],
    leader: record.leader,
    leaderRecoveryState: leaderRecoveryStateFromByte(record.leaderRecoveryState),
    leaderEpoch: record.leaderEpoch,
    partitionEpoch: record.partitionEpoch,
  }
}
