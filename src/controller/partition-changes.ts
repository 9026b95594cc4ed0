import { ZERO_UUID } from '../protocol/uuid.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { ConfigurationControlManager } from './configuration-control-manager.ts'
import type { ControllerState } from './controller-state.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import type { TopicImage } from './image/topics-image.ts'
import { MIN_IN_SYNC_REPLICAS } from './kafka-config-schema.ts'
import type { MetadataRecord, PartitionChangeRecord } from './metadata-records.ts'
import { buildPartitionChange, type Election, type PartitionTarget } from './partition-change-builder.ts'
import type { PartitionRegistration } from './partition-registration.ts'

/** A partition with the topic that it belongs to. */
export interface PartitionOfTopic {
  readonly topic: TopicImage
  readonly partitionId: number
  readonly partition: PartitionRegistration
}

export interface WantedChange {
  readonly target?: PartitionTarget
  /** Default: `unclean` where the topic's `unclean.leader.election.enable` allows it, else `online`. */
  readonly election?: Election
  /** Whether a broker is there to lead; default: neither fenced nor shutting down. */
  readonly isActive?: (broker: number) => boolean
  readonly uncleanShutdownReplicas?: readonly number[]
}

/** Builds changes of partitions by what the cluster is and how its topics are configured. */
export class PartitionChanges {
  readonly #state: ControllerState
  readonly #cluster: ClusterControlManager
  readonly #configuration: ConfigurationControlManager
  readonly #features: FeatureControlManager

  constructor(
    state: ControllerState,
    cluster: ClusterControlManager,
    configuration: ConfigurationControlManager,
    features: FeatureControlManager,
  ) {
    this.#state = state
    this.#cluster = cluster
    this.#configuration = configuration
    this.#features = features
  }

  /** Undefined when nothing has to change. */
  build({ topic, partitionId, partition }: PartitionOfTopic, wanted: WantedChange): PartitionChangeRecord | undefined {
    const { target = {}, uncleanShutdownReplicas = [] } = wanted
    const isActive = wanted.isActive ?? this.#isActive
    return buildPartitionChange({
      partition,
      topicId: topic.id,
      partitionId,
      target,
      election: wanted.election ?? (this.uncleanElectionEnabled(topic.name) ? 'unclean' : 'online'),
      isAcceptableLeader: broker => isActive(broker) && this.#hasOnlineDirectory(partition, broker),
      minIsr: this.effectiveMinIsr(topic),
      eligibleLeaderReplicas: this.#features.eligibleLeaderReplicasEnabled,
      uncleanShutdownReplicas,
      defaultDirectory: broker => this.#cluster.defaultDirectory(broker),
    })
  }

  /** The changes of all partitions that `concerns` picks. */
  buildAll(
    concerns: (partition: PartitionRegistration) => boolean,
    wanted: (partition: PartitionRegistration) => WantedChange,
  ): MetadataRecord[] {
    const records: MetadataRecord[] = []
    for (const topic of this.#state.current.topics.topicsById.values()) {
      for (const [partitionId, partition] of topic.partitions) {
        if (!concerns(partition)) continue
        const data = this.build({ topic, partitionId, partition }, wanted(partition))
        if (data !== undefined) records.push({ type: 'PartitionChangeRecord', data })
      }
    }
    return records
  }

  uncleanElectionEnabled(topic: string): boolean {
    return this.#configuration.uncleanLeaderElectionEnabledForTopic(topic)
  }

  /** `min.insync.replicas`, but not more than the topic has replicas. */
  effectiveMinIsr({ name, partitions }: TopicImage): number {
    const configured = Number(this.#configuration.topicConfig(name, MIN_IN_SYNC_REPLICAS) ?? '1')
    return Math.min(configured, partitions.get(0)?.replicas.length ?? configured)
  }

  readonly #isActive = (broker: number): boolean => this.#state.current.cluster.isActive(broker)

  #hasOnlineDirectory(partition: PartitionRegistration, broker: number): boolean {
    const directory = partition.directories[partition.replicas.indexOf(broker)] ?? ZERO_UUID
    return this.#cluster.hasOnlineDirectory(broker, directory)
  }
}
