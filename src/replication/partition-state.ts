import { isActive } from '../controller/broker-registration.ts'
import type { PartitionRegistration } from '../controller/partition-registration.ts'
import type { UnifiedLog } from '../log/unified-log.ts'
import { LeaderRecoveryState } from '../protocol/apis/alter-partition.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { IsrMember } from './alter-partition-manager.ts'
import { committedIsr, type IsrState } from './isr-state.ts'
import type { PartitionContext } from './partition-context.ts'
import { Replica } from './replica.ts'

const NOBODY = -1

/**
 * What a replica knows of its partition: who leads in which epoch, who is assigned and in sync, and, while it leads, how far
 * its followers are. Everything here happens at once, without waiting, so that no one sees half a change; who holds which lock
 * is the business of `Partition`.
 */
export class PartitionState {
  readonly #context: PartitionContext
  /** The followers while this broker leads, by broker id. */
  readonly #remoteReplicas = new Map<number, Replica>()
  #leaderId = NOBODY
  #leaderEpoch = -1
  #partitionEpoch = -1
  #leaderEpochStartOffset: number | undefined
  #replicas: readonly number[] = []
  /** Replaced by whoever changes the ISR. */
  isr: IsrState = committedIsr([], LeaderRecoveryState.RECOVERED)

  constructor(context: PartitionContext) {
    this.#context = context
  }

  /** Broker id, -1 when there is no leader. */
  get leaderId(): number {
    return this.#leaderId
  }

  get isLeader(): boolean {
    return this.#leaderId === this.#context.brokerId
  }

  /** -1 before the replica took a role. */
  get leaderEpoch(): number {
    return this.#leaderEpoch
  }

  /** -1 before the replica took a role. */
  get partitionEpoch(): number {
    return this.#partitionEpoch
  }

  /** The log's end when this broker began to lead in the present epoch; undefined while it does not lead. */
  get leaderEpochStartOffset(): number | undefined {
    return this.#leaderEpochStartOffset
  }

  get replicas(): readonly number[] {
    return this.#replicas
  }

  get remoteReplicas(): ReadonlyMap<number, Replica> {
    return this.#remoteReplicas
  }

  /** This broker leads, from `leaderEpochStartOffset` on if a leader epoch begins. */
  lead(registration: PartitionRegistration, leaderEpochStartOffset: number): void {
    const { brokerId } = this.#context
    const isNewLeader = !this.isLeader
    const isNewEpoch = registration.leaderEpoch > this.#leaderEpoch
    const followers = registration.replicas.filter(id => id !== brokerId)
    for (const id of followers) if (!this.#remoteReplicas.has(id)) this.#remoteReplicas.set(id, new Replica(id))
    for (const id of this.#remoteReplicas.keys()) if (!followers.includes(id)) this.#remoteReplicas.delete(id)
    // The answer to an earlier proposal has told this partition epoch already, and a proposal that builds on it is under way.
    // Kafka forgets that one here; but the controller may be about to commit it, so that who it adds must go on to count.
    const isKnown = !isNewEpoch && registration.partitionEpoch === this.#partitionEpoch
    if (!isKnown || this.isr.kind === 'committed')
      this.isr = committedIsr(registration.isr, LeaderRecoveryState.RECOVERED)
    if (isNewEpoch) {
      const nowMs = this.#context.runtime.clock.wallMs()
      for (const replica of this.#remoteReplicas.values()) {
        replica.reset(nowMs, leaderEpochStartOffset, isNewLeader, registration.isr.includes(replica.brokerId))
      }
      this.#leaderEpochStartOffset = leaderEpochStartOffset
    }
    this.#take(registration, brokerId)
  }

  /** Another broker leads, or none. */
  follow(registration: PartitionRegistration): void {
    this.#remoteReplicas.clear()
    this.#leaderEpochStartOffset = undefined
    this.isr = committedIsr([], LeaderRecoveryState.RECOVERED)
    this.#take(registration, registration.leader)
  }

  /** This broker has no part in the partition any more. Epochs stay known, so that nothing older counts. */
  clear(): void {
    this.#remoteReplicas.clear()
    this.#leaderEpochStartOffset = undefined
    this.isr = committedIsr([], LeaderRecoveryState.RECOVERED)
    this.#replicas = []
    this.#leaderId = NOBODY
  }

  /** The controller has committed an ISR that this leader proposed. */
  commitIsr(isr: readonly number[], leaderRecoveryState: number, partitionEpoch: number): void {
    this.isr = committedIsr(isr, leaderRecoveryState)
    this.#partitionEpoch = partitionEpoch
  }

  /** `min.insync.replicas`, but no more than there are replicas. */
  effectiveMinIsr(log: UnifiedLog): number {
    return Math.min(log.config.minInsyncReplicas, this.#remoteReplicas.size + 1)
  }

  isUnderMinIsr(log: UnifiedLog): boolean {
    return this.isr.isr.length < this.effectiveMinIsr(log)
  }

  /**
   * Whether the controller would take the replica into the ISR, as far as this broker knows (KIP-841, KIP-903): registered,
   * not fenced, not shutting down, and the same incarnation that fetches here.
   */
  isReplicaIsrEligible(replica: Replica): boolean {
    const registration = this.#context.metadataCache.image.cluster.broker(replica.brokerId)
    if (!isActive(registration)) return false
    const { brokerEpoch } = replica
    return brokerEpoch !== undefined && (brokerEpoch === -1 || brokerEpoch === registration?.epoch)
  }

  /** Throws NOT_LEADER_OR_FOLLOWER for a fetch that an earlier incarnation of the follower has sent. */
  checkBrokerEpoch(replica: Replica, brokerEpoch: number): void {
    if (brokerEpoch === -1) return
    const registration = this.#context.metadataCache.image.cluster.broker(replica.brokerId)
    if (registration === undefined || registration.fenced || registration.epoch <= brokerEpoch) return
    throw new ApiError(
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
      `broker ${replica.brokerId} fetches with the broker epoch ${brokerEpoch}, it is registered with ${registration.epoch}`,
    )
  }

  /**
   * What all replicas hold that are in sync, or might be by now, is committed; followers that have caught up and may join are
   * waited for as well, since they could never join if the high watermark ran ahead of them. Below `min.insync.replicas`
   * nothing becomes committed (KIP-966). To be called whenever an end offset or the ISR has changed. Returns whether the high
   * watermark moved.
   */
  maybeIncrementHighWatermark(log: UnifiedLog): boolean {
    if (this.isUnderMinIsr(log)) return false
    const leaderEnd = log.logEndOffsetMetadata
    let highWatermark = leaderEnd
    if (this.#remoteReplicas.size > 0) {
      const nowMs = this.#context.runtime.clock.wallMs()
      const { maximalIsr } = this.isr
      for (const replica of this.#remoteReplicas.values()) {
        if (replica.logEndOffset >= highWatermark.messageOffset) continue
        const counts =
          maximalIsr.includes(replica.brokerId) ||
          (replica.isCaughtUp(leaderEnd.messageOffset, nowMs, this.#context.replicaLagTimeMaxMs) &&
            this.isReplicaIsrEligible(replica))
        if (counts) highWatermark = replica.logEndOffsetMetadata
      }
    }
    return log.maybeIncrementHighWatermark(highWatermark)
  }

  /** The first offset that is left on every live replica. */
  lowWatermark(log: UnifiedLog): number {
    const { cluster } = this.#context.metadataCache.image
    let lowWatermark = log.logStartOffset
    for (const replica of this.#remoteReplicas.values()) {
      const isAlive = cluster.broker(replica.brokerId)?.fenced === false
      if (isAlive && replica.logStartOffset < lowWatermark) lowWatermark = replica.logStartOffset
    }
    return lowWatermark
  }

  /** Members of the ISR that have lagged behind for longer than `replica.lag.time.max.ms`; none while a change is pending. */
  outOfSyncReplicas(log: UnifiedLog): number[] {
    if (this.isr.kind !== 'committed') return []
    const nowMs = this.#context.runtime.clock.wallMs()
    return this.isr.isr.filter(id => {
      if (id === this.#context.brokerId) return false
      const replica = this.#remoteReplicas.get(id)
      return replica?.isCaughtUp(log.logEndOffset, nowMs, this.#context.replicaLagTimeMaxMs) !== true
    })
  }

  /** The epochs under which this leader knows the members of an ISR. */
  withBrokerEpochs(isr: readonly number[]): IsrMember[] {
    return isr.map(brokerId => {
      const isLocal = brokerId === this.#context.brokerId
      // Who has not fetched yet is in the ISR by the controller's word, which fences by the partition epoch.
      const brokerEpoch = isLocal
        ? this.#context.brokerEpoch()
        : (this.#remoteReplicas.get(brokerId)?.brokerEpoch ?? -1)
      return { brokerId, brokerEpoch }
    })
  }

  #take({ replicas, leaderEpoch, partitionEpoch }: PartitionRegistration, leaderId: number): void {
    this.#replicas = replicas
    this.#leaderId = leaderId
    this.#leaderEpoch = leaderEpoch
    this.#partitionEpoch = partitionEpoch
  }
}
