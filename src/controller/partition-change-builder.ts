import type { PartitionChangeRecord } from './metadata-records.ts'
import {
  leaderRecoveryStateToByte,
  NO_LEADER,
  NO_LEADER_CHANGE,
  type PartitionRegistration,
} from './partition-registration.ts'

export interface PartitionChangeOptions {
  readonly partition: PartitionRegistration
  readonly topicId: string
  readonly partitionId: number
  /** The in-sync replicas that the partition shall have. */
  readonly targetIsr: readonly number[]
  /** Whether a broker can lead now. */
  readonly isAcceptableLeader: (broker: number) => boolean
  /** The topic's `min.insync.replicas`, at most the number of replicas. */
  readonly minIsr: number
  /** Whether a replica that is not in sync may be elected when nobody else is left. */
  readonly uncleanElection: boolean
  /** Whether KIP-966 applies: the ISR may become empty, and eligible replicas are kept. */
  readonly eligibleLeaderReplicas: boolean
  /** Brokers that may have lost the tail of their logs: they leave the ISR and the ELR. */
  readonly uncleanShutdownReplicas?: readonly number[]
}

type MutableChange = { -readonly [K in keyof PartitionChangeRecord]: PartitionChangeRecord[K] }

interface ElectionResult {
  readonly leader: number
  readonly unclean: boolean
}

/**
 * Works out what the change of a partition's in-sync replicas leads to: who leads, and who stays eligible. Kafka's
 * PartitionChangeBuilder, with metadata.version 3.6 or later (a smaller ISR alone bumps no leader epoch, KAFKA-15021).
 *
 * @returns undefined when nothing changes
 */
export function buildPartitionChange(options: PartitionChangeOptions): PartitionChangeRecord | undefined {
  const { partition } = options
  const record = unchanged(options.topicId, options.partitionId)
  let targetIsr = options.targetIsr
  let targetElr = eligibleReplicas(options)
  const { leader, unclean } = electLeader(options, targetIsr, targetElr)
  if (leader !== partition.leader) {
    if (targetElr.includes(leader)) {
      targetIsr = [leader]
      targetElr = targetElr.filter(replica => replica !== leader)
    }
    record.leader = leader
    if (unclean) {
      record.isr = [leader]
      if (partition.leaderRecoveryState !== 'RECOVERING') {
        record.leaderRecoveryState = leaderRecoveryStateToByte('RECOVERING')
      }
    }
  }
  if (record.isr !== null || !options.eligibleLeaderReplicas) targetElr = []
  if (!sameBrokers(targetElr, partition.elr)) record.eligibleLeaderReplicas = targetElr
  // Without KIP-966 the last member stays in the ISR, so that it is known who has the data.
  const isrMayBecome = targetIsr.length > 0 || options.eligibleLeaderReplicas
  if (record.isr === null && isrMayBecome && !sameBrokers(targetIsr, partition.isr)) record.isr = targetIsr
  updateLastKnownLeader(options, record)
  return isNoOp(record) ? undefined : record
}

function unchanged(topicId: string, partitionId: number): MutableChange {
  return {
    partitionId,
    topicId,
    isr: null,
    leader: NO_LEADER_CHANGE,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    directories: null,
  }
}

/** Below `min.insync.replicas`, whoever leaves the ISR stays eligible, for nothing was acknowledged without it. */
function eligibleReplicas(options: PartitionChangeOptions): readonly number[] {
  const { partition, targetIsr, uncleanShutdownReplicas = [] } = options
  if (!options.eligibleLeaderReplicas) return partition.elr
  if (targetIsr.length >= options.minIsr) return []
  const candidates = new Set([...partition.elr, ...partition.isr])
  return [...candidates].filter(replica => !targetIsr.includes(replica) && !uncleanShutdownReplicas.includes(replica))
}

/** The present leader if it can stay; else ISR, ELR, the last known leader, and at last anybody, in this order. */
function electLeader(
  options: PartitionChangeOptions,
  targetIsr: readonly number[],
  targetElr: readonly number[],
): ElectionResult {
  const { partition, isAcceptableLeader } = options
  const inSync = (replica: number): boolean =>
    (targetIsr.includes(replica) || (targetIsr.length === 0 && targetElr.includes(replica))) &&
    isAcceptableLeader(replica)
  if (inSync(partition.leader)) return { leader: partition.leader, unclean: false }
  const clean = partition.replicas.find(inSync)
  if (clean !== undefined) return { leader: clean, unclean: false }
  const [lastKnown] = partition.lastKnownElr
  const nobodyEligible = targetIsr.length === 0 && targetElr.length === 0
  if (options.eligibleLeaderReplicas && nobodyEligible && partition.lastKnownElr.length === 1) {
    if (lastKnown !== undefined && isAcceptableLeader(lastKnown)) return { leader: lastKnown, unclean: true }
  }
  if (options.uncleanElection) {
    const unclean = partition.replicas.find(isAcceptableLeader)
    if (unclean !== undefined) return { leader: unclean, unclean: true }
  }
  return { leader: NO_LEADER, unclean: false }
}

/** Remembers who led last when the ISR becomes empty, and forgets it once there is a leader again. */
function updateLastKnownLeader(options: PartitionChangeOptions, record: MutableChange): void {
  const { partition } = options
  if (!options.eligibleLeaderReplicas) {
    if (partition.lastKnownElr.length > 0) record.lastKnownElr = []
    return
  }
  const { lastKnownElr } = partition
  if (record.isr?.length === 0 && partition.leader !== NO_LEADER && lastKnownElr[0] !== partition.leader) {
    record.lastKnownElr = [partition.leader]
    return
  }
  const keepsLeader = record.leader === NO_LEADER_CHANGE && partition.leader !== NO_LEADER
  if ((record.leader >= 0 || keepsLeader) && lastKnownElr.length > 0) record.lastKnownElr = []
}

function isNoOp(record: PartitionChangeRecord): boolean {
  return (
    record.isr === null &&
    record.leader === NO_LEADER_CHANGE &&
    record.eligibleLeaderReplicas === null &&
    record.lastKnownElr === null &&
    record.leaderRecoveryState === -1
  )
}

function sameBrokers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((broker, index) => broker === b[index])
}
