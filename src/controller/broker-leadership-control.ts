import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { ConfigurationControlManager } from './configuration-control-manager.ts'
import type { ControllerState } from './controller-state.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import type { TopicImage } from './image/topics-image.ts'
import type { MetadataRecord } from './metadata-records.ts'
import { buildPartitionChange } from './partition-change-builder.ts'
import { NO_LEADER, type PartitionRegistration } from './partition-registration.ts'

/** What happens to a broker: it goes, it comes, or it has come back without the tail of its log. -1: no broker. */
interface BrokerChange {
  readonly remove?: number
  readonly add?: number
  readonly uncleanShutdown?: number
}

const NOBODY = -1

/**
 * What brokers that come and go mean for the partitions: leaders move, in-sync replicas leave. The part of Kafka's
 * ReplicationControlManager around generateLeaderAndIsrUpdates.
 */
export class BrokerLeadershipControl {
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

  hasLeaderships(brokerId: number): boolean {
    for (const topic of this.#state.current.topics.topicsById.values()) {
      for (const partition of topic.partitions.values()) if (partition.leader === brokerId) return true
    }
    return false
  }

  /** It leaves every ISR before it is fenced. */
  fence(brokerId: number): MetadataRecord[] {
    const brokerEpoch = this.#epoch(brokerId)
    return [
      ...this.#updates({ remove: brokerId }, partition => partition.isr.includes(brokerId)),
      registrationChange(brokerId, brokerEpoch, { fenced: 1 }),
    ]
  }

  /** It may lead what has no leader. */
  unfence(brokerId: number): MetadataRecord[] {
    const brokerEpoch = this.#epoch(brokerId)
    return [
      registrationChange(brokerId, brokerEpoch, { fenced: -1 }),
      ...this.#updates({ add: brokerId }, partition => partition.leader === NO_LEADER),
    ]
  }

  /** It leaves every ISR, and others lead what it led, as far as there are others. */
  controlledShutdown(brokerId: number): MetadataRecord[] {
    const brokerEpoch = this.#epoch(brokerId)
    const known = this.#cluster.registration(brokerId)?.inControlledShutdown === true
    return [
      ...(known ? [] : [registrationChange(brokerId, brokerEpoch, { inControlledShutdown: 1 })]),
      ...this.#updates({ remove: brokerId }, partition => partition.isr.includes(brokerId)),
    ]
  }

  /** Its log may have lost acknowledged records: it is in sync with nobody, and not eligible (KIP-966). */
  uncleanShutdown(brokerId: number): MetadataRecord[] {
    if (!this.#features.eligibleLeaderReplicasEnabled) return []
    return this.#updates(
      { uncleanShutdown: brokerId },
      partition => partition.isr.includes(brokerId) || partition.elr.includes(brokerId),
    )
  }

  /** What was in these directories of the broker is gone. */
  directoriesOffline(brokerId: number, offline: readonly string[]): MetadataRecord[] {
    const registration = this.#cluster.registration(brokerId)
    const lost = registration?.directories.filter(id => offline.includes(id)) ?? []
    if (registration === undefined || lost.length === 0) return []
    const inLostDirectory = (partition: PartitionRegistration): boolean =>
      lost.includes(partition.directories[partition.replicas.indexOf(brokerId)] ?? '')
    const logDirs = registration.directories.filter(id => !offline.includes(id))
    return [
      ...this.#updates({ remove: brokerId }, inLostDirectory),
      registrationChange(brokerId, registration.epoch, { logDirs }),
    ]
  }

  /** The changes of all partitions that `concerns` picks. */
  #updates(change: BrokerChange, concerns: (partition: PartitionRegistration) => boolean): MetadataRecord[] {
    const records: MetadataRecord[] = []
    for (const topic of this.#state.current.topics.topicsById.values()) {
      for (const [partitionId, partition] of topic.partitions) {
        if (!concerns(partition)) continue
        const data = this.#update(topic, partitionId, partition, change)
        if (data !== undefined) records.push({ type: 'PartitionChangeRecord', data })
      }
    }
    return records
  }

  #update(topic: TopicImage, partitionId: number, partition: PartitionRegistration, change: BrokerChange) {
    const { remove = NOBODY, add = NOBODY, uncleanShutdown = NOBODY } = change
    return buildPartitionChange({
      partition,
      topicId: topic.id,
      partitionId,
      targetIsr: partition.isr.filter(replica => replica !== remove && replica !== uncleanShutdown),
      // The registration still says what was before the change: the broker to add is fenced there.
      isAcceptableLeader: broker =>
        broker !== remove &&
        broker !== uncleanShutdown &&
        (broker === add || this.#state.current.cluster.isActive(broker)),
      minIsr: Math.min(this.#minInsyncReplicas(topic.name), partition.replicas.length),
      uncleanElection: this.#configuration.uncleanLeaderElectionEnabledForTopic(topic.name),
      eligibleLeaderReplicas: this.#features.eligibleLeaderReplicasEnabled,
      uncleanShutdownReplicas: uncleanShutdown === NOBODY ? [] : [uncleanShutdown],
    })
  }

  #minInsyncReplicas(topic: string): number {
    return Number(this.#configuration.topicConfig(topic, 'min.insync.replicas') ?? '1')
  }

  #epoch(brokerId: number): number {
    const registration = this.#cluster.registration(brokerId)
    if (registration === undefined) throw new Error(`broker ${brokerId} is not registered`)
    return registration.epoch
  }
}

function registrationChange(
  brokerId: number,
  brokerEpoch: number,
  change: { fenced?: -1 | 1; inControlledShutdown?: 1; logDirs?: readonly string[] },
): MetadataRecord {
  const { fenced = 0, inControlledShutdown = 0, logDirs = [] } = change
  return {
    type: 'BrokerRegistrationChangeRecord',
    data: { brokerId, brokerEpoch, fenced, inControlledShutdown, logDirs },
  }
}
