import { ZERO_UUID } from '../protocol/uuid.ts'
import type { PartitionChangeRecord } from './metadata-records.ts'
import { completeReassignment } from './partition-reassignment.ts'
import {
  type LeaderRecoveryState,
  leaderRecoveryStateToByte,
  NO_LEADER,
  NO_LEADER_CHANGE,
  type PartitionRegistration,
} from './partition-registration.ts'

/**
 * How a leader is looked for. `online`: one that is in sync, the present one if it can stay. `preferred`: the first of the
 * replicas if it is in sync, else as `online`. `unclean`: as `online`, but anybody rather than nobody.
 */
export type Election = 'online' | 'preferred' | 'unclean'

/** What is wanted of a partition. What is not named stays as it is, as far as it can. */
export interface PartitionTarget {
  /** The in-sync replicas that the partition shall have. */
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  readonly removingReplicas?: readonly number[]
  readonly addingReplicas?: readonly number[]
  readonly leaderRecoveryState?: LeaderRecoveryState
  /** The directory of one replica. */
  readonly directory?: { readonly broker: number; readonly id: string }
}

export interface PartitionChangeOptions {
  readonly partition: PartitionRegistration
  readonly topicId: string
  readonly partitionId: number
  readonly target: PartitionTarget
  /** Default: `online`. */
  readonly election?: Election
  /** Whether a broker can lead now. */
  readonly isAcceptableLeader: (broker: number) => boolean
  /** The topic's `min.insync.replicas`, at most the number of replicas. */
  readonly minIsr: number
  /** Whether KIP-966 applies: the ISR may become empty, and eligible replicas are kept. */
  readonly eligibleLeaderReplicas: boolean
  /** Brokers that may have lost the tail of their logs: they leave the ISR and the ELR. */
  readonly uncleanShutdownReplicas?: readonly number[]
  /** The directory of a replica that is new on a broker; default: the broker shall choose. */
  readonly defaultDirectory?: (broker: number) => string
}

type MutableChange = { -readonly [K in keyof PartitionChangeRecord]: PartitionChangeRecord[K] }

interface ElectionResult {
  readonly leader: number
  readonly unclean: boolean
}

/**
 * Works out what a wanted change of a partition leads to: whether a reassignment is complete, who leads, who stays eligible,
 * which epochs grow. Kafka's PartitionChangeBuilder, with metadata.version 3.6 or later (a smaller ISR alone bumps no leader
 * epoch, KAFKA-15021) and with the last known leader as the one to recover from (KIP-966, "balanced").
 *
 * @returns undefined when nothing changes
 */
export function buildPartitionChange(options: PartitionChangeOptions): PartitionChangeRecord | undefined {
  return new PartitionChangeBuilder(options).build()
}

class PartitionChangeBuilder {
  readonly #options: PartitionChangeOptions
  readonly #partition: PartitionRegistration
  readonly #record: MutableChange
  #isr: readonly number[]
  #elr: readonly number[]
  #replicas: readonly number[]
  #removing: readonly number[]
  #adding: readonly number[]

  constructor(options: PartitionChangeOptions) {
    const { partition, target } = options
    this.#options = options
    this.#partition = partition
    this.#record = unchanged(options.topicId, options.partitionId)
    this.#isr = target.isr ?? partition.isr
    this.#elr = partition.elr
    this.#replicas = target.replicas ?? partition.replicas
    this.#removing = target.removingReplicas ?? partition.removingReplicas
    this.#adding = target.addingReplicas ?? partition.addingReplicas
  }

  build(): PartitionChangeRecord | undefined {
    this.#completeReassignment()
    this.#populateElr()
    this.#elect()
    this.#bumpLeaderEpochForRemovedReplicas()
    this.#recordElr()
    this.#recordIsr()
    this.#recordLastKnownLeader()
    this.#recordAssignment()
    this.#recordRecoveryState()
    return isNoOp(this.#record) ? undefined : this.#record
  }

  #completeReassignment(): void {
    const completed = completeReassignment(
      { replicas: this.#replicas, adding: this.#adding, removing: this.#removing },
      this.#isr,
    )
    if (completed === undefined) return
    this.#isr = completed.isr
    this.#replicas = completed.replicas
    this.#removing = []
    this.#adding = []
  }

  /** Below `min.insync.replicas`, whoever leaves the ISR stays eligible, for nothing was acknowledged without it. */
  #populateElr(): void {
    const { eligibleLeaderReplicas, minIsr, uncleanShutdownReplicas = [] } = this.#options
    if (!eligibleLeaderReplicas) return
    if (this.#isr.length >= minIsr) {
      this.#elr = []
      return
    }
    const candidates = new Set([...this.#partition.elr, ...this.#partition.isr])
    this.#elr = [...candidates]
      .filter(replica => !this.#isr.includes(replica) && !uncleanShutdownReplicas.includes(replica))
      .sort((a, b) => a - b)
  }

  #elect(): void {
    const { leader, unclean } = this.#electLeader()
    if (leader === this.#partition.leader) return
    if (this.#elr.includes(leader)) {
      this.#isr = [leader]
      this.#elr = this.#elr.filter(replica => replica !== leader)
    }
    this.#record.leader = leader
    if (!unclean) return
    // This can lose data: what the others had and the new leader has not is gone.
    this.#record.isr = [leader]
    if (this.#partition.leaderRecoveryState !== 'RECOVERING') {
      this.#record.leaderRecoveryState = leaderRecoveryStateToByte('RECOVERING')
    }
  }

  /** The present leader if it can stay; else ISR, ELR, the last known leader, and at last anybody, in this order. */
  #electLeader(): ElectionResult {
    const { leader: present, lastKnownElr } = this.#partition
    const { election = 'online', isAcceptableLeader } = this.#options
    const preferred = this.#replicas[0]
    if (election === 'preferred' && preferred !== undefined && this.#isValidLeader(preferred)) {
      return { leader: preferred, unclean: false }
    }
    if (this.#isValidLeader(present)) return { leader: present, unclean: false }
    const inSync = this.#replicas.find(replica => this.#isValidLeader(replica))
    if (inSync !== undefined) return { leader: inSync, unclean: false }
    const [lastKnownLeader] = lastKnownElr
    if (lastKnownLeader !== undefined && this.#canElectLastKnownLeader(lastKnownLeader)) {
      return { leader: lastKnownLeader, unclean: true }
    }
    if (election === 'unclean') {
      const anybody = this.#replicas.find(isAcceptableLeader)
      if (anybody !== undefined) return { leader: anybody, unclean: true }
    }
    return { leader: NO_LEADER, unclean: false }
  }

  /** Who is in sync, or when nobody is, eligible. */
  #isValidLeader(replica: number): boolean {
    const inSync = this.#isr.includes(replica) || (this.#isr.length === 0 && this.#elr.includes(replica))
    return inSync && this.#options.isAcceptableLeader(replica)
  }

  /** Not one that is fenced (KAFKA-19522). */
  #canElectLastKnownLeader(lastKnownLeader: number): boolean {
    const { eligibleLeaderReplicas, isAcceptableLeader } = this.#options
    const nobodyEligible = this.#isr.length === 0 && this.#elr.length === 0
    const known = this.#partition.lastKnownElr.length === 1
    return eligibleLeaderReplicas && nobodyEligible && known && isAcceptableLeader(lastKnownLeader)
  }

  /** A replica that is none any more must be told apart from one that still is: by the leader epoch. */
  #bumpLeaderEpochForRemovedReplicas(): void {
    if (this.#record.leader !== NO_LEADER_CHANGE) return
    const removed = this.#partition.replicas.some(replica => !this.#replicas.includes(replica))
    if (removed) this.#record.leader = this.#partition.leader
  }

  #recordElr(): void {
    const uncleanElection = this.#record.isr !== null
    if (uncleanElection || !this.#options.eligibleLeaderReplicas) this.#elr = []
    if (!sameItems(this.#elr, this.#partition.elr)) this.#record.eligibleLeaderReplicas = this.#elr
  }

  /** Without KIP-966 the last member stays in the ISR, so that it is known who has the data. */
  #recordIsr(): void {
    const mayBecome = this.#isr.length > 0 || this.#options.eligibleLeaderReplicas
    if (this.#record.isr === null && mayBecome && !sameItems(this.#isr, this.#partition.isr)) {
      this.#record.isr = this.#isr
    }
  }

  /** Remembers who led when the partition loses its leader, and forgets it once there is a leader again. */
  #recordLastKnownLeader(): void {
    if (!this.#options.eligibleLeaderReplicas) return
    const { leader, lastKnownElr } = this.#partition
    if (this.#record.leader === NO_LEADER && lastKnownElr.length === 0 && leader !== NO_LEADER) {
      this.#record.lastKnownElr = [leader]
    } else if (this.#record.leader >= 0 && lastKnownElr.length > 0) {
      this.#record.lastKnownElr = []
    }
  }

  #recordAssignment(): void {
    const partition = this.#partition
    const { target, defaultDirectory = () => ZERO_UUID } = this.#options
    const directories = this.#replicas.map(replica => {
      if (target.directory?.broker === replica) return target.directory.id
      return partition.directories[partition.replicas.indexOf(replica)] ?? defaultDirectory(replica)
    })
    if (!sameItems(directories, partition.directories)) this.#record.directories = directories
    if (!sameItems(this.#replicas, partition.replicas)) this.#record.replicas = this.#replicas
    if (!sameItems(this.#removing, partition.removingReplicas)) this.#record.removingReplicas = this.#removing
    if (!sameItems(this.#adding, partition.addingReplicas)) this.#record.addingReplicas = this.#adding
  }

  #recordRecoveryState(): void {
    const { leaderRecoveryState: wanted } = this.#options.target
    if (wanted !== undefined && wanted !== this.#partition.leaderRecoveryState) {
      this.#record.leaderRecoveryState = leaderRecoveryStateToByte(wanted)
    }
  }
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

function isNoOp(record: PartitionChangeRecord): boolean {
  return (
    record.isr === null &&
    record.leader === NO_LEADER_CHANGE &&
    record.replicas === null &&
    record.removingReplicas === null &&
    record.addingReplicas === null &&
    record.leaderRecoveryState === -1 &&
    record.eligibleLeaderReplicas === null &&
    record.lastKnownElr === null &&
    record.directories === null
  )
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}
