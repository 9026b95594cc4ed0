import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { randomUuid } from '../../../protocol/uuid.ts'
import type { RandomStream, Runtime } from '../../../runtime/runtime.ts'
import { AuthorizationException } from '../../errors.ts'
import type { ExponentialBackoff } from '../../exponential-backoff.ts'
import { compareTopicPartitions } from '../../topic-partition-map.ts'
import { CommittedOffsetsFetcher } from '../committed-offsets-fetcher.ts'
import type { ConsumerGroupMetadata } from '../consumer-group-metadata.ts'
import type { ConsumerMetadata } from '../consumer-metadata.ts'
import type { ConsumerMetrics } from '../consumer-metrics.ts'
import type { ConsumerNetworkClient } from '../consumer-network-client.ts'
import { CoordinatorConnection } from '../coordinator-connection.ts'
import type { GroupMembership, GroupMembershipOperation } from '../group-membership.ts'
import type { GroupRebalanceConfig } from '../group-rebalance-config.ts'
import { OffsetCommitter } from '../offset-committer.ts'
import { type CommittedOffsets, OffsetRequests, type Offsets } from '../offset-requests.ts'
import { listenerFailed, RebalanceListenerInvoker } from '../rebalance-listener-invoker.ts'
import type { RequestFuture } from '../request-future.ts'
import type { SubscriptionState } from '../subscription-state.ts'
import { Timer } from '../timer.ts'
import { BackgroundEvents } from './background-events.ts'
import { BackgroundThread } from './background-thread.ts'
import { ConsumerMembershipManager } from './consumer-membership-manager.ts'
import { HeartbeatRequestManager } from './heartbeat-request-manager.ts'
import { ModernOffsetMember } from './modern-offset-member.ts'
import { RebalanceCommitter } from './rebalance-committer.ts'

/** A call that waits looks for callbacks after so long. */
const EVENTS_INTERVAL_MS = 100

export interface ConsumerGroupMembershipOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly metrics: ConsumerMetrics
  readonly random: RandomStream
  readonly retryBackoff: ExponentialBackoff
  /** `default.api.timeout.ms` */
  readonly defaultApiTimeoutMs: number
  /** `group.remote.assignor`; undefined: the coordinator decides. */
  readonly remoteAssignor: string | undefined
  readonly autoCommitIntervalMs: number | undefined
  readonly callback: (body: () => void | Promise<void>) => Promise<void>
  readonly onCommit: (offsets: Offsets) => void
  readonly onWarning: (message: string) => void
}

/**
 * Membership of a group with the consumer protocol (KIP-848; what Kafka's AsyncKafkaConsumer and ApplicationEventProcessor do
 * for it). A thread keeps it alive and reconciles assignments; the listener is called, and what is automatically committed is
 * decided, within polls only.
 */
export class ConsumerGroupMembership implements GroupMembership {
  readonly committer: OffsetCommitter
  readonly #runtime: Runtime
  readonly #options: ConsumerGroupMembershipOptions
  readonly #coordinator: CoordinatorConnection
  readonly #offsetMember: ModernOffsetMember
  readonly #committedOffsets: CommittedOffsetsFetcher
  readonly #rebalanceCommitter: RebalanceCommitter
  readonly #invoker: RebalanceListenerInvoker
  readonly #events: BackgroundEvents
  readonly #member: ConsumerMembershipManager
  readonly #heartbeats: HeartbeatRequestManager
  #thread: BackgroundThread | undefined
  #groupMetadata: ConsumerGroupMetadata
  /** Of metadata, when the pattern was last looked for in it. */
  #patternVersion = -1

  constructor(runtime: Runtime, options: ConsumerGroupMembershipOptions) {
    const { autoCommitIntervalMs, client, config, metadata, metrics, random, retryBackoff, subscriptions } = options
    this.#runtime = runtime
    this.#options = options
    this.#groupMetadata = noGroupMetadata(config)
    const wake = () => this.#thread?.wake()
    const coordinator = new CoordinatorConnection({ client, groupId: config.groupId, retryBackoff, onDiscovered: wake })
    const offsetMember = new ModernOffsetMember(config.groupInstanceId)
    const requests = new OffsetRequests({ ...options, coordinator, offsetMember })
    this.#coordinator = coordinator
    this.#offsetMember = offsetMember
    this.#committedOffsets = new CommittedOffsetsFetcher({ ...options, coordinator, offsetMember, requests })
    this.committer = new OffsetCommitter(runtime, {
      ...options,
      coordinator,
      requests,
      retryBackoffMs: config.retryBackoffMs,
      groupInstanceId: config.groupInstanceId,
    })
    const isAutoCommitEnabled = autoCommitIntervalMs !== undefined
    this.#rebalanceCommitter = new RebalanceCommitter(runtime, {
      ...options,
      coordinator,
      isAutoCommitEnabled,
      offsetMember,
      requests,
      rebalanceTimeoutMs: config.rebalanceTimeoutMs,
      onPending: wake,
    })
    this.#invoker = new RebalanceListenerInvoker(runtime, options)
    const events = new BackgroundEvents(this.#invoker)
    this.#events = events
    const memberId = randomUuid(random)
    const member = new ConsumerMembershipManager(runtime, {
      ...options,
      events,
      isAutoCommitEnabled,
      memberId,
      commitBeforeRebalance: () => this.#rebalanceCommitter.commit(),
      onReconciled: () => this.committer.resetAutoCommitTimer(),
      onMemberEpochUpdated: memberEpoch => this.#memberEpochUpdated(memberId, memberEpoch),
      onTransition: wake,
    })
    this.#member = member
    this.#heartbeats = new HeartbeatRequestManager(runtime, { ...options, coordinator, events, member, onAnswer: wake })
    metrics.assignedPartitions(() => subscriptions.numAssignedPartitions)
    metrics.secondsAgo('last-rebalance-seconds-ago', () => member.rebalanceEndMs)
    metrics.secondsAgo('last-heartbeat-seconds-ago', () => this.#heartbeats.lastSendMs)
    metadata.requestUpdate(true)
  }

  get groupMetadata(): ConsumerGroupMetadata {
    return this.#groupMetadata
  }

  get timeToNextPollMs(): number {
    if (this.#thread?.failure !== undefined) throw this.#thread.failure
    if (this.isPollDue) return 0
    return this.committer.isAutoCommitInFlight ? Number.POSITIVE_INFINITY : this.committer.timeToNextAutoCommitMs
  }

  get isPollDue(): boolean {
    return !this.#events.isEmpty || this.#member.awaitsApplication
  }

  onSubscriptionUpdated(): void {
    this.#member.onSubscriptionUpdated()
    this.#thread ??= new BackgroundThread(this.#runtime, {
      ...this.#options,
      coordinator: this.#coordinator,
      events: this.#events,
      groupId: this.#options.config.groupId,
      heartbeats: this.#heartbeats,
      member: this.#member,
      rebalanceCommitter: this.#rebalanceCommitter,
      retryBackoffMs: this.#options.config.retryBackoffMs,
    })
  }

  updatePatternSubscription(): void {
    const { metadata, subscriptions } = this.#options
    this.#patternVersion = metadata.updateVersion
    const topics = metadata.fetch().topics.filter(topic => subscriptions.matchesSubscribedPattern(topic))
    if (subscriptions.subscribeFromPattern(topics)) metadata.requestUpdateForNewTopics()
    // The member joins even when no topic matches.
    this.onSubscriptionUpdated()
  }

  enforceRebalance(): void {
    this.#options.onWarning('enforceRebalance is not supported with group.protocol=consumer: the coordinator decides')
  }

  async poll(): Promise<boolean> {
    const { metadata, subscriptions } = this.#options
    // All that was returned before is done with: the one moment at which its positions may be committed.
    this.#rebalanceCommitter.applicationPolls()
    this.#member.maybeReconcile(true)
    if (!this.committer.isAutoCommitInFlight) await this.committer.maybeAutoCommitAsync()
    if (subscriptions.hasPatternSubscription && this.#patternVersion < metadata.updateVersion) {
      this.updatePatternSubscription()
    }
    this.#member.onConsumerPoll()
    this.#heartbeats.resetPollTimer()
    await this.committer.invokeCompletedCallbacks()
    await this.#events.process()
    return true
  }

  /** What is not there soon is looked for again with the next step of a poll: other partitions need not wait for it. */
  initWithCommittedOffsetsIfNeeded(timer: Timer): Promise<readonly TopicPartition[] | undefined> {
    const { retryBackoffMs } = this.#options.config
    return this.#committedOffsets.initPositions(new Timer(this.#runtime, Math.min(timer.remainingMs, retryBackoffMs)))
  }

  fetchCommittedOffsets(partitions: readonly TopicPartition[], timer: Timer): Promise<CommittedOffsets | undefined> {
    return this.#committedOffsets.fetch(partitions, timer)
  }

  async unsubscribe(): Promise<void> {
    await this.#awaitLeft(this.#member.leaveGroup(), new Timer(this.#runtime, this.#options.defaultApiTimeoutMs))
    this.#groupMetadata = noGroupMetadata(this.#options.config)
  }

  async close(timer: Timer, operation: GroupMembershipOperation): Promise<void> {
    const { client } = this.#options
    client.disableWakeups()
    try {
      await this.committer.close(timer)
    } finally {
      this.#thread?.stopLookingUp()
      try {
        await this.#releaseAssignmentOnClose()
      } finally {
        await this.#leaveOnClose(timer, operation)
      }
    }
  }

  async #leaveOnClose(timer: Timer, operation: GroupMembershipOperation): Promise<void> {
    const { client } = this.#options
    const left = this.#member.leaveGroupOnClose(operation)
    try {
      if (!left.isDone) await client.pollUntilDone(left, timer)
    } finally {
      await this.#thread?.close()
      this.#thread = undefined
      this.#heartbeats.pollOnClose()
      await client.pollNoWakeup(new Timer(this.#runtime, 0))
      const coordinator = this.#coordinator.get()
      if (coordinator !== undefined) await client.awaitPendingRequests(coordinator, timer)
      await this.committer.invokeCompletedCallbacks()
    }
  }

  /** The listener hears of it from the thread that closes. */
  async #releaseAssignmentOnClose(): Promise<void> {
    const { subscriptions } = this.#options
    const dropped = subscriptions.assignedPartitions().sort(compareTopicPartitions)
    if (!subscriptions.hasAutoAssignedPartitions || dropped.length === 0) return
    const isMember = this.#groupMetadata.generationId > 0
    const error = isMember ? await this.#invoker.revoked(dropped) : await this.#invoker.lost(dropped)
    if (error !== undefined) throw listenerFailed(error)
  }

  /** Runs callbacks until the group has been told, or time runs out, which is no error. */
  async #awaitLeft(left: RequestFuture<void>, timer: Timer): Promise<void> {
    const { client } = this.#options
    do {
      // Who gives up need not hear that he may not do what he gives up.
      const hadEvents = await ignoringAuthorization(() => this.#events.process())
      if (left.isDone) return
      const intervalMs = Math.min(EVENTS_INTERVAL_MS, timer.remainingMs)
      const isIdle = () => !left.isDone && this.#events.isEmpty
      if (hadEvents !== true) {
        await ignoringAuthorization(() => client.poll(new Timer(this.#runtime, intervalMs), isIdle, true))
      }
    } while (timer.notExpired)
  }

  #memberEpochUpdated(memberId: string, memberEpoch: number | undefined): void {
    this.#offsetMember.update(memberId, memberEpoch)
    if (memberEpoch === undefined) return
    this.#groupMetadata = { ...this.#groupMetadata, generationId: memberEpoch, memberId }
  }
}

function noGroupMetadata({ groupId, groupInstanceId }: GroupRebalanceConfig): ConsumerGroupMetadata {
  return { groupId, generationId: -1, memberId: '', groupInstanceId }
}

async function ignoringAuthorization<T>(body: () => Promise<T>): Promise<T | undefined> {
  try {
    return await body()
  } catch (error) {
    if (error instanceof AuthorizationException) return undefined
    throw error
  }
}
