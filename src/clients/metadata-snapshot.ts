import { partitionKey, type TopicPartition } from '../protocol/topic-partition.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { Node } from './node.ts'

/** What a Metadata response says of a partition. */
export interface PartitionMetadata extends TopicPartition {
  readonly errorCode: number
  /** Undefined: there is no leader now. */
  readonly leaderId: number | undefined
  /** Undefined: the broker did not tell. */
  readonly leaderEpoch: number | undefined
  readonly replicaIds: readonly number[]
  readonly inSyncReplicaIds: readonly number[]
  readonly offlineReplicaIds: readonly number[]
}

/** A partition as callers see it (Kafka's PartitionInfo). Nodes that are not known have only their id, and no host. */
export interface PartitionInfo extends TopicPartition {
  readonly leader: Node | undefined
  readonly replicas: readonly Node[]
  readonly inSyncReplicas: readonly Node[]
  readonly offlineReplicas: readonly Node[]
}

export interface MetadataSnapshotOptions {
  readonly clusterId: string | null
  readonly nodes: readonly Node[]
  readonly partitions: readonly PartitionMetadata[]
  readonly unauthorizedTopics?: ReadonlySet<string>
  readonly invalidTopics?: ReadonlySet<string>
  readonly internalTopics?: ReadonlySet<string>
  readonly controllerId?: number
  /** By name; topics without an id are left out. */
  readonly topicIds?: ReadonlyMap<string, string>
  /** Whether the nodes are bootstrap servers and nothing else is known. */
  readonly isBootstrap?: boolean
}

/** What a client knows of the cluster at one time (Kafka's MetadataSnapshot and Cluster). Never changes. */
export class MetadataSnapshot {
  static readonly EMPTY = new MetadataSnapshot({ clusterId: null, nodes: [], partitions: [] })

  readonly clusterId: string | null
  /** In the order in which they were told. */
  readonly nodes: readonly Node[]
  readonly unauthorizedTopics: ReadonlySet<string>
  readonly invalidTopics: ReadonlySet<string>
  readonly internalTopics: ReadonlySet<string>
  readonly controllerId: number
  readonly topicIds: ReadonlyMap<string, string>
  readonly isBootstrap: boolean
  readonly #nodesById: ReadonlyMap<number, Node>
  readonly #partitions = new Map<string, PartitionMetadata>()
  /** By partition number. */
  readonly #byTopic = new Map<string, PartitionMetadata[]>()
  readonly #topicNames: ReadonlyMap<string, string>
  readonly #byLeader = new Map<number, PartitionMetadata[]>()

  constructor(options: MetadataSnapshotOptions) {
    this.clusterId = options.clusterId
    this.nodes = options.nodes
    this.unauthorizedTopics = options.unauthorizedTopics ?? new Set()
    this.invalidTopics = options.invalidTopics ?? new Set()
    this.internalTopics = options.internalTopics ?? new Set()
    this.controllerId = options.controllerId ?? -1
    this.topicIds = options.topicIds ?? new Map()
    this.isBootstrap = options.isBootstrap ?? false
    this.#nodesById = new Map(options.nodes.map(node => [node.id, node]))
    this.#topicNames = new Map([...this.topicIds].map(([name, id]) => [id, name]))
    for (const partition of options.partitions) {
      this.#partitions.set(partitionKey(partition), partition)
      const ofTopic = this.#byTopic.get(partition.topic)
      if (ofTopic === undefined) this.#byTopic.set(partition.topic, [partition])
      else ofTopic.push(partition)
    }
    for (const ofTopic of this.#byTopic.values()) ofTopic.sort((a, b) => a.partition - b.partition)
    for (const partition of this.partitions) this.#addToLeader(partition)
  }

  /** Nothing but the servers to begin with, which get the ids -1, -2 … */
  static bootstrap(addresses: readonly { readonly host: string; readonly port: number }[]): MetadataSnapshot {
    const nodes = addresses.map(({ host, port }, index) => ({ id: -1 - index, host, port }))
    return new MetadataSnapshot({ clusterId: null, nodes, partitions: [], isBootstrap: true })
  }

  nodeById(id: number): Node | undefined {
    return this.#nodesById.get(id)
  }

  /** All topics of which a partition is known. */
  get topics(): string[] {
    return [...this.#byTopic.keys()]
  }

  /** All partitions, topic by topic. */
  get partitions(): PartitionMetadata[] {
    return [...this.#byTopic.values()].flat()
  }

  partitionMetadata(partition: TopicPartition): PartitionMetadata | undefined {
    return this.#partitions.get(partitionKey(partition))
  }

  /** The broker that leads the partition; undefined when there is none, or none that is known. */
  leaderFor(partition: TopicPartition): Node | undefined {
    const leaderId = this.partitionMetadata(partition)?.leaderId
    return leaderId === undefined ? undefined : this.nodeById(leaderId)
  }

  leaderEpochFor(partition: TopicPartition): number | undefined {
    return this.partitionMetadata(partition)?.leaderEpoch
  }

  /** Undefined: the topic is not known. */
  partitionCountForTopic(topic: string): number | undefined {
    return this.#byTopic.get(topic)?.length
  }

  /** By partition number; empty when the topic is not known. */
  partitionsForTopic(topic: string): PartitionInfo[] {
    return this.#ofTopic(topic).map(partition => this.#info(partition))
  }

  /** Numbers of the topic's partitions that have a leader, ascending. */
  availablePartitionsForTopic(topic: string): number[] {
    const available: number[] = []
    for (const { leaderId, partition } of this.#ofTopic(topic)) {
      if (leaderId !== undefined && this.#nodesById.has(leaderId)) available.push(partition)
    }
    return available
  }

  /** The partitions that a node leads, topic by topic, by partition number. */
  partitionsForNode(nodeId: number): readonly PartitionMetadata[] {
    return this.#byLeader.get(nodeId) ?? []
  }

  /** `ZERO_UUID` when the topic is not known or its broker did not tell. */
  topicId(topic: string): string {
    return this.topicIds.get(topic) ?? ZERO_UUID
  }

  topicName(topicId: string): string | undefined {
    return this.#topicNames.get(topicId)
  }

  /** This, with what is new put over it; of the old, only topics that `retains` says yes to. */
  mergeWith(
    update: MetadataSnapshotOptions,
    retains: (topic: string, isInternal: boolean) => boolean,
  ): MetadataSnapshot {
    const keeps = (topic: string) => retains(topic, this.internalTopics.has(topic))
    const newTopicIds = new Map([...this.topicIds].filter(([topic]) => keeps(topic)))
    const updated = new Set(update.partitions.map(partitionKey))
    for (const { topic } of update.partitions) {
      const id = update.topicIds?.get(topic)
      if (id === undefined) newTopicIds.delete(topic)
      else newTopicIds.set(topic, id)
    }
    const kept = this.partitions.filter(partition => keeps(partition.topic) && !updated.has(partitionKey(partition)))
    return new MetadataSnapshot({
      ...update,
      partitions: [...update.partitions, ...kept],
      unauthorizedTopics: union(update.unauthorizedTopics, this.unauthorizedTopics, keeps),
      invalidTopics: union(update.invalidTopics, this.invalidTopics, keeps),
      internalTopics: union(update.internalTopics, this.internalTopics, keeps),
      topicIds: newTopicIds,
    })
  }

  #addToLeader(partition: PartitionMetadata): void {
    if (partition.leaderId === undefined || !this.#nodesById.has(partition.leaderId)) return
    const led = this.#byLeader.get(partition.leaderId)
    if (led === undefined) this.#byLeader.set(partition.leaderId, [partition])
    else led.push(partition)
  }

  #ofTopic(topic: string): readonly PartitionMetadata[] {
    return this.#byTopic.get(topic) ?? []
  }

  #info({ topic, partition, ...metadata }: PartitionMetadata): PartitionInfo {
    const nodes = (ids: readonly number[]) => ids.map(id => this.nodeById(id) ?? { id, host: '', port: -1 })
    return {
      topic,
      partition,
      leader: metadata.leaderId === undefined ? undefined : this.nodeById(metadata.leaderId),
      replicas: nodes(metadata.replicaIds),
      inSyncReplicas: nodes(metadata.inSyncReplicaIds),
      offlineReplicas: nodes(metadata.offlineReplicaIds),
    }
  }
}

function union(
  base: ReadonlySet<string> | undefined,
  filled: ReadonlySet<string>,
  keeps: (topic: string) => boolean,
): ReadonlySet<string> {
  return new Set([...(base ?? []), ...[...filled].filter(keeps)])
}
