import type { PartitionChangeRecord } from './metadata-records.ts'

/** No broker: the partition has no leader now. */
export const NO_LEADER = -1

/** In a `PartitionChangeRecord`: the leader stays as it is. */
export const NO_LEADER_CHANGE = -2

/** How the present leader came to lead. `RECOVERING`: by an unclean election, and not yet done with what follows from it. */
export type LeaderRecoveryState = 'RECOVERED' | 'RECOVERING'

/** What the metadata log says about one partition. Broker ids are in the order of preference. Never changed in place. */
export interface PartitionRegistration {
  readonly replicas: readonly number[]
  /** Directory ids, one for each replica. */
  readonly directories: readonly string[]
  readonly isr: readonly number[]
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  /** Eligible leader replicas (KIP-966): not in the ISR, but hold everything up to the high watermark. */
  readonly elr: readonly number[]
  /** The last leader, kept while ISR and ELR hold no one (KIP-966). */
  readonly lastKnownElr: readonly number[]
  /** Broker id, or `NO_LEADER`. */
  readonly leader: number
  readonly leaderRecoveryState: LeaderRecoveryState
  /** Grows with every change of the leader. */
  readonly leaderEpoch: number
  /** Grows with every change of the partition. */
  readonly partitionEpoch: number
}

const RECOVERY_STATES: readonly LeaderRecoveryState[] = ['RECOVERED', 'RECOVERING']

/** A recovery state as records carry it: 0 recovered, 1 recovering. */
export function leaderRecoveryStateToByte(state: LeaderRecoveryState): number {
  return RECOVERY_STATES.indexOf(state)
}

/** Throws RangeError for a byte that stands for no state. */
export function leaderRecoveryStateFromByte(byte: number): LeaderRecoveryState {
  const state = RECOVERY_STATES[byte]
  if (state === undefined)
    throw new RangeError(`leader recovery state ${byte}: must be 0 (recovered) or 1 (recovering)`)
  return state
}

/** Id of the log directory that a broker's replica is in, as far as the metadata says; undefined when it hosts none. */
export function directoryOf({ replicas, directories }: PartitionRegistration, brokerId: number): string | undefined {
  return directories[replicas.indexOf(brokerId)]
}

/** Whether the first of the replicas, the preferred one, leads. */
export function hasPreferredLeader({ leader, replicas }: PartitionRegistration): boolean {
  return leader === replicas[0]
}

/** Whether the partition is being given other replicas. */
export function isReassignmentInProgress({ addingReplicas, removingReplicas }: PartitionRegistration): boolean {
  return addingReplicas.length > 0 || removingReplicas.length > 0
}

/**
 * The partition after a change. The leader epoch grows whenever the record names a leader, even the same one; the partition
 * epoch always grows.
 */
export function mergePartitionChange(
  current: PartitionRegistration,
  record: PartitionChangeRecord,
): PartitionRegistration {
  const leaderNamed = record.leader !== NO_LEADER_CHANGE
  return {
    replicas: record.replicas ?? current.replicas,
    directories: record.directories ?? current.directories,
    isr: record.isr ?? current.isr,
    removingReplicas: record.removingReplicas ?? current.removingReplicas,
    addingReplicas: record.addingReplicas ?? current.addingReplicas,
    elr: record.eligibleLeaderReplicas ?? current.elr,
    lastKnownElr: record.lastKnownElr ?? current.lastKnownElr,
    leader: leaderNamed ? record.leader : current.leader,
    leaderRecoveryState:
      record.leaderRecoveryState === -1
        ? current.leaderRecoveryState
        : leaderRecoveryStateFromByte(record.leaderRecoveryState),
    leaderEpoch: leaderNamed ? current.leaderEpoch + 1 : current.leaderEpoch,
    partitionEpoch: current.partitionEpoch + 1,
  }
}
