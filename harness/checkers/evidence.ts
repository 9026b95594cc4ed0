import type { History, RecordId } from '../history/history.ts'
import type { GuaranteeName, Scenario } from '../trial/scenario.ts'

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

/** Something wrong in the files of a log. */
export interface DiskFinding {
  readonly file: string
  readonly message: string
}

/** A queue's bound and the most it held. */
export interface QueueObservation {
  /** Kafka's metric name: `RequestQueueSize`. */
  readonly name: string
  readonly bound: number
  readonly most: number
}

/** A request that was taken in and what became of it. */
export interface RequestBalance {
  /** Requests that the broker received whole. */
  readonly received: number
  /** Answered, answered by closing, or needing no answer. */
  readonly answered: number
  /** Their connection or broker went away first, or a fault withheld the response. */
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
}

/** All that a trial leaves for the checkers. */
export interface Evidence {
  readonly scenario: Scenario
  readonly history: Pick<History, 'sends'>
  readonly logs: readonly PartitionLog[]
  readonly disk: readonly DiskFinding[]
  readonly queues: readonly QueueObservation[]
  readonly requests: RequestBalance
  readonly conduct: readonly ClientConduct[]
  /** When the broker's machine lost power, virtual ms, in order. */
  readonly powerLossesMs: readonly number[]
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
