import type { History, RecordId } from '../history/history.ts'
import type { GuaranteeName, Scenario } from '../trial/scenario.ts'
import type { ChurnEvidence } from './churn-evidence.ts'
import type {
  ClusterRecovery,
  DiskDamage,
  FencedLeader,
  MetadataLogEvidence,
  Observations,
  PartitionChange,
  PartitionEvidence,
  ReplicaEvidence,
  UncleanReturn,
} from './cluster-evidence.ts'
import type { GroupEvidence } from './group-evidence.ts'

/** A record as read from the healed log. */
export interface LoggedRecord {
  readonly offset: number
  /** The identity the workload gave it; the key's text when the workload never wrote such a record. */
  readonly id: RecordId
  /** CRC-32 of the value, to see that an identity's bytes are the ones sent. */
  readonly valueCrc: number
}

/** A partition, read over the wire from its first offset to its tail. */
export interface PartitionLog {
  readonly partition: number
  readonly logStartOffset: number
  readonly endOffset: number
  readonly records: readonly LoggedRecord[]
}

/** A record as a broker showed it to a consumer during the trial. */
export interface ReadRecord extends LoggedRecord {
  /** When the consumer had it, virtual ms. */
  readonly ms: number
  /** Node id of the broker. */
  readonly node: number
  readonly partition: number
  /** The leader's epoch when it was appended. */
  readonly epoch: number
  /** The leader epoch in which the consumer asked; -1: in any. */
  readonly askedEpoch: number
}

/** Something wrong in the files of a log. */
export interface DiskFinding {
  /** Node id of the disk's owner. */
  readonly node: number
  readonly file: string
  readonly message: string
}

/** A queue's bound and the most it held. */
export interface QueueObservation {
  /** Node id of the queue's owner. */
  readonly node: number
  /** Kafka's metric name: `RequestQueueSize`. */
  readonly name: string
  readonly bound: number
  readonly most: number
}

/** Requests that a node took in and what became of them. */
export interface RequestBalance {
  readonly node: number
  /** Requests that the node received whole. */
  readonly received: number
  /** Answered, answered by closing, or needing no answer. */
  readonly answered: number
  /** Their connection or node went away first, or a fault withheld the response. */
  readonly abandoned: number
}

/** What a client did with timers and connections. */
export interface ClientConduct {
  readonly producer: number
  /** Timers that fired in the quiet second with the most of them, when the client had nothing to send. */
  readonly idleTimersPerSecond: number
  /** Requests written to a connection on which an earlier request had timed out and nothing was ever received since. */
  readonly requestsOnDeadConnection: number
  /** Longest silence of such a connection, virtual ms. */
  readonly deadConnectionMs: number
  /** Bytes of the client's memory for records that are still taken after all sends have settled; absent: it counts none. */
  readonly heldBytes?: number
}

/** All that a trial leaves for the checkers. */
export interface Evidence {
  readonly scenario: Scenario
  readonly history: Pick<History, 'sends'>
  /** As the leaders have them. */
  readonly logs: readonly PartitionLog[]
  /** What consumers were shown from the start of chaos on, in order; empty unless `reads-stay` is to be judged. */
  readonly reads: readonly ReadRecord[]
  readonly disk: readonly DiskFinding[]
  /** Of every partition on every broker that holds a copy, by node, then partition. */
  readonly replicas: readonly ReplicaEvidence[]
  readonly partitions: readonly PartitionEvidence[]
  /**
   * What became of the topic's partitions, in the order of the committed metadata. Empty when no node's copy of the metadata
   * log reaches back to the creation of the topic.
   */
  readonly partitionHistory: readonly PartitionChange[]
  /** As long as `partitionHistory`. */
  readonly fencedLeaders: readonly FencedLeader[]
  /** As long as `partitionHistory`. */
  readonly uncleanReturns: readonly UncleanReturn[]
  /** Of every node, by node. */
  readonly metadataLogs: readonly MetadataLogEvidence[]
  readonly observed: Observations
  /** In order. */
  readonly damage: readonly DiskDamage[]
  readonly recovery: ClusterRecovery
  readonly queues: readonly QueueObservation[]
  /** Of every node, by node. */
  readonly requests: readonly RequestBalance[]
  readonly conduct: readonly ClientConduct[]
  /** Of every consumer group of the scenario, in its order. */
  readonly groups: readonly GroupEvidence[]
  /** Of the administration of the scenario; undefined when there is none, or the cluster has not recovered. */
  readonly churn: ChurnEvidence | undefined
  /** When all faults had ended, virtual ms. */
  readonly healedMs: number
  /** When the trial stopped waiting, virtual ms. */
  readonly endedMs: number
}

/** A guarantee that did not hold. */
export interface Violation {
  readonly guarantee: GuaranteeName
  /** The kind within the guarantee: a shrunk scenario counts only if it violates in the same kind. */
  readonly kind: string
  /** One sentence: what was promised, what happened, which record. */
  readonly message: string
}

/** Judges one guarantee. */
export type Checker = (evidence: Evidence) => Violation[]
