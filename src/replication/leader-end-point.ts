import type { FetchedPartition, FetchTarget } from '../network/fetch-session-handler.ts'
import type { TopicIdPartition } from '../protocol/topic-partition.ts'

export type { FetchedData, FetchedPartition, FetchTarget } from '../network/fetch-session-handler.ts'

/** Where a broker can be reached by other brokers. */
export interface BrokerEndPoint {
  readonly id: number
  readonly host: string
  readonly port: number
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
  fetchEarliestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number>
  /** The leader's log end offset. */
  fetchLatestOffset(partition: TopicIdPartition, currentLeaderEpoch: number): Promise<number>
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
