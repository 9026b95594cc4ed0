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
