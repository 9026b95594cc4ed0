import { ErrorCode } from '../../protocol/errors.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'
import { hasCode } from './consumer-errors.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { CoordinatorConnection } from './coordinator-connection.ts'
import type { OffsetMember } from './offset-member.ts'
import type { CommittedOffsets, OffsetRequests } from './offset-requests.ts'
import type { RequestFuture } from './request-future.ts'
import type { SubscriptionState } from './subscription-state.ts'
import type { Timer } from './timer.ts'

export interface CommittedOffsetsFetcherOptions {
  readonly client: ConsumerNetworkClient
  readonly coordinator: CoordinatorConnection
  readonly metadata: ConsumerMetadata
  readonly offsetMember: OffsetMember
  readonly requests: OffsetRequests
  readonly retryBackoff: ExponentialBackoff
  readonly subscriptions: SubscriptionState
}

interface Pending {
  readonly partitions: TopicPartitionSet
  readonly membershipKey: string
  readonly future: RequestFuture<CommittedOffsets>
}

/** Asks what a group has committed, again while that can help; what was asked for last is not asked for twice. */
export class CommittedOffsetsFetcher {
  readonly #options: CommittedOffsetsFetcherOptions
  #pending: Pending | undefined

  constructor(options: CommittedOffsetsFetcherOptions) {
    this.#options = options
  }

  /** See `GroupMembership.initWithCommittedOffsetsIfNeeded`. */
  async initPositions(timer: Timer): Promise<readonly TopicPartition[] | undefined> {
    const { metadata, subscriptions } = this.#options
    const initializing = subscriptions.initializingPartitions()
    const offsets = await this.fetch(initializing, timer)
    if (offsets === undefined) return undefined
    for (const [partition, committed] of offsets) {
      if (committed === undefined) continue
      const { offset, leaderEpoch } = committed
      if (leaderEpoch !== undefined) metadata.updateLastSeenEpochIfNewer(partition, leaderEpoch)
      // It may have been taken away, or sought, while the answer was under way.
      const state = subscriptions.stateOrUndefined(partition)
      if (state?.shouldInitialize !== true) continue
      state.seekUnvalidated({ offset, offsetEpoch: leaderEpoch, currentLeader: metadata.currentLeader(partition) })
    }
    return initializing
  }

  /** Undefined when time ran out. @throws KafkaError */
  async fetch(partitions: readonly TopicPartition[], timer: Timer): Promise<CommittedOffsets | undefined> {
    const { client, coordinator, retryBackoff } = this.#options
    if (partitions.length === 0) return new TopicPartitionMap()
    const asked = new TopicPartitionSet(partitions)
    let attempts = 0
    do {
      if (!(await coordinator.ensureReady(timer))) return undefined
      const { future } = this.#request(asked)
      await client.pollUntilDone(future, timer)
      if (!future.isDone) return undefined
      this.#pending = undefined
      if (future.succeeded) return future.value
      if (!future.isRetriable && !this.#isEpochStale(future.exception)) throw future.exception
      await timer.sleep(retryBackoff.backoff(attempts++))
    } while (timer.notExpired)
    return undefined
  }

  #request(partitions: TopicPartitionSet): Pending {
    const { offsetMember, requests } = this.#options
    const { membershipKey } = offsetMember
    const pending = this.#pending
    if (pending?.partitions.equals(partitions) && pending.membershipKey === membershipKey) return pending
    this.#pending = { partitions, membershipKey, future: requests.fetch([...partitions]) }
    return this.#pending
  }

  /** Whether a member asked in an epoch that was over, and has a newer one to ask in. */
  #isEpochStale(error: Error): boolean {
    return hasCode(error, ErrorCode.STALE_MEMBER_EPOCH) && this.#options.offsetMember.fetchIdentity() !== undefined
  }
}
