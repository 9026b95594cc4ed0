import type { FetchResponse } from '../protocol/apis/fetch.ts'
import type { TopicIdAndPartition } from './alter-partition-manager.ts'

/** Where a broker can be reached by other brokers. */
export interface BrokerEndPoint {
  readonly id: number
  readonly host: string
  readonly port: number
}

/** What a follower asks of one partition. Never changed: answers are judged by what was asked. */
export interface FetchTarget {
  readonly partition: TopicIdAndPartition
  /** The follower's end: everything below is in its log. */
  readonly fetchOffset: number
  /** The follower's. */
  readonly logStartOffset: number
  /** Of the leadership in which it follows. */
  readonly currentLeaderEpoch: number
  /** Leader epoch of the last record that it holds; -1: none. */
  readonly lastFetchedEpoch: number
}

export type FetchedData = FetchResponse['responses'][number]['partitions'][number]

/** The answer for one partition, beside what was asked. */
export interface FetchedPartition {
  readonly target: FetchTarget
  readonly data: FetchedData
}

/**
 * A leader as its follower sees it (Kafka's LeaderEndPoint). One call at a time. Calls reject with `LeaderUnreachableError`,
 * those about one partition with `ApiError` as well.
 */
export interface LeaderEndPoint {
  readonly broker: BrokerEndPoint
  /**
   * What is new in the partitions; waits for something new as long as the broker's configuration says. Partitions without news
   * may be left out, and all of them after an error of the fetch session.
   */
  fetch(targets: readonly FetchTarget[]): Promise<readonly FetchedPartition[]>
  /** The leader's log start offset. */
  fetchEarliestOffset(partition: TopicIdAndPartition, currentLeaderEpoch: number): Promise<number>
  /** The leader's log end offset. */
  fetchLatestOffset(partition: TopicIdAndPartition, currentLeaderEpoch: number): Promise<number>
  /** A call under way rejects. Idempotent. */
  close(): void
}

/** The leader could not be reached or gave no sensible answer; the cause says why. */
export class LeaderUnreachableError extends Error {
  override readonly name = 'LeaderUnreachableError'
  readonly broker: BrokerEndPoint

  constructor(broker: BrokerEndPoint, options: ErrorOptions) {
    super(`broker ${broker.id} at ${broker.host}:${broker.port} did not answer`, options)
    this.broker = broker
  }
}
