import type { ClusterControlManager } from './cluster-control-manager.ts'
import type { ControllerState } from './controller-state.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { PartitionChanges, WantedChange } from './partition-changes.ts'
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
  readonly #features: FeatureControlManager
  readonly #changes: PartitionChanges

  constructor(
    state: ControllerState,
    cluster: ClusterControlManager,
    features: FeatureControlManager,
    changes: PartitionChanges,
  ) {
    this.#state = state
    this.#cluster = cluster
    this.#features = features
    this.#changes = changes
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

  /**
   * A new process of the broker has come. Unless the old one ended cleanly, its log may have lost acknowledged records: it
   * is in sync with nobody, and not eligible (KIP-966).
   */
  shutdown(brokerId: number, isCleanShutdown: boolean): MetadataRecord[] {
    if (isCleanShutdown || !this.#features.eligibleLeaderReplicasEnabled) {
      return this.#updates({ remove: brokerId }, partition => partition.isr.includes(brokerId))
    }
    return this.#updates(
      { uncleanShutdown: brokerId },
      partition => partition.isr.includes(brokerId) || partition.elr.includes(brokerId),
    )
  }

  /** It leaves every ISR, and is no longer part of the cluster. */
  unregister(brokerId: number): MetadataRecord[] {
    const brokerEpoch = this.#epoch(brokerId)
    return [
      ...this.#updates(
        { remove: brokerId },
        partition => partition.isr.includes(brokerId) || partition.elr.includes(brokerId),
      ),
      { type: 'UnregisterBrokerRecord', data: { brokerId, brokerEpoch } },
    ]
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

  /** What it takes to have a broker neither lead nor be in sync in one partition. */
  withoutBroker(partition: PartitionRegistration, brokerId: number): WantedChange {
    return this.#wanted(partition, { remove: brokerId })
  }

  #updates(change: BrokerChange, concerns: (partition: PartitionRegistration) => boolean): MetadataRecord[] {
    return this.#changes.buildAll(concerns, partition => this.#wanted(partition, change))
  }

  #wanted(partition: PartitionRegistration, change: BrokerChange): WantedChange {
    const { remove = NOBODY, add = NOBODY, uncleanShutdown = NOBODY } = change
    return {
      target: { isr: partition.isr.filter(replica => replica !== remove && replica !== uncleanShutdown) },
      // The registration still says what was before the change: the broker to add is fenced there.
      isActive: broker =>
        broker !== remove &&
        broker !== uncleanShutdown &&
        (broker === add || this.#state.current.cluster.isActive(broker)),
      uncleanShutdownReplicas: uncleanShutdown === NOBODY ? [] : [uncleanShutdown],
    }
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
