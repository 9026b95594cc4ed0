import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { IllegalArgumentException, IllegalStateException } from '../errors.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import { ClassicOffsetMember } from './classic-offset-member.ts'
import { CommittedOffsetsFetcher } from './committed-offsets-fetcher.ts'
import type { ConsumerGroupMetadata } from './consumer-group-metadata.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { ConsumerPartitionAssignor, RebalanceProtocol } from './consumer-partition-assignor.ts'
import { CoordinatorConnection } from './coordinator-connection.ts'
import { GroupJoiner } from './group-joiner.ts'
import { GroupLeader } from './group-leader.ts'
import type { GroupMembership, GroupMembershipOperation } from './group-membership.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import { GroupRequests } from './group-requests.ts'
import { Heartbeat } from './heartbeat.ts'
import { HeartbeatThread } from './heartbeat-thread.ts'
import { MemberState } from './member-state.ts'
import { OffsetCommitter } from './offset-committer.ts'
import { type CommittedOffsets, OffsetRequests, type Offsets } from './offset-requests.ts'
import { RebalanceHandler } from './rebalance-handler.ts'
import { RebalanceListenerInvoker } from './rebalance-listener-invoker.ts'
import { SubscriptionMetadata } from './subscription-metadata.ts'
import type { SubscriptionState } from './subscription-state.ts'
import { Timer } from './timer.ts'

export interface ConsumerCoordinatorOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly assignors: readonly ConsumerPartitionAssignor[]
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly metrics: ConsumerMetrics
  readonly retryBackoff: ExponentialBackoff
  readonly autoCommitIntervalMs: number | undefined
  readonly callback: (body: () => void | Promise<void>) => Promise<void>
  readonly onCommit: (offsets: Offsets) => void
  readonly onWarning: (message: string) => void
}

/** Membership of a group with the classic protocol (Kafka's ConsumerCoordinator). */
export class ConsumerCoordinator implements GroupMembership {
  readonly committer: OffsetCommitter
  readonly #runtime: Runtime
  readonly #options: ConsumerCoordinatorOptions
  readonly #protocol: RebalanceProtocol | undefined
  readonly #member = new MemberState()
  readonly #connection: CoordinatorConnection
  readonly #requests: GroupRequests
  readonly #committedOffsets: CommittedOffsetsFetcher
  readonly #heartbeat: Heartbeat
  readonly #subscriptionMetadata: SubscriptionMetadata
  readonly #rebalance: RebalanceHandler
  readonly #joiner: GroupJoiner
  #heartbeatThread: HeartbeatThread | undefined

  /** @throws IllegalArgumentException when the assignors have no rebalance protocol in common */
  constructor(runtime: Runtime, options: ConsumerCoordinatorOptions) {
    const { assignors, client, config, metadata, metrics, retryBackoff, subscriptions } = options
    this.#runtime = runtime
    this.#options = options
    this.#protocol = protocolOf(assignors)
    this.#heartbeat = new Heartbeat(runtime, config, retryBackoff)
    const coordinator = new CoordinatorConnection({
      client,
      groupId: config.groupId,
      retryBackoff,
      onDiscovered: () => this.#heartbeat.resetSessionTimeout(),
    })
    this.#connection = coordinator
    const shared = { ...options, coordinator, member: this.#member }
    this.#requests = new GroupRequests(runtime, shared)
    const offsetMember = new ClassicOffsetMember({ ...shared, groupInstanceId: config.groupInstanceId })
    const offsetRequests = new OffsetRequests({ ...shared, offsetMember })
    this.#committedOffsets = new CommittedOffsetsFetcher({ ...shared, offsetMember, requests: offsetRequests })
    this.#subscriptionMetadata = new SubscriptionMetadata(config.rackId, metadata, subscriptions)
    this.committer = new OffsetCommitter(runtime, {
      ...options,
      coordinator,
      requests: offsetRequests,
      retryBackoffMs: config.retryBackoffMs,
      groupInstanceId: config.groupInstanceId,
    })
    this.#rebalance = new RebalanceHandler(runtime, {
      ...shared,
      protocol: this.#protocol,
      committer: this.committer,
      invoker: new RebalanceListenerInvoker(runtime, options),
    })
    const subscriptionMetadata = this.#subscriptionMetadata
    const protocol = this.#protocol
    this.#joiner = new GroupJoiner(runtime, {
      ...shared,
      rebalance: this.#rebalance,
      requests: this.#requests,
      subscriptionMetadata,
      leader:
        protocol === undefined ? undefined : new GroupLeader(runtime, { ...options, subscriptionMetadata, protocol }),
      isNeeded: () => this.#rejoinNeededOrPending(),
      onJoined: () => this.#heartbeatThread?.enable(),
    })
    metrics.assignedPartitions(() => subscriptions.numAssignedPartitions)
    metrics.secondsAgo('last-rebalance-seconds-ago', () => this.#member.rebalanceEndMs)
    metrics.secondsAgo('last-heartbeat-seconds-ago', () => this.#heartbeat.lastSendMs)
    metadata.requestUpdate(true)
  }

  get groupMetadata(): ConsumerGroupMetadata {
    return this.#rebalance.groupMetadata
  }

  get timeToNextPollMs(): number {
    // While it joins nothing is committed: what is overdue is done when it has joined. Kafka polls without a pause meanwhile.
    const { timeToNextAutoCommitMs } = this.committer
    const toCommitMs = this.#rejoinNeededOrPending() ? Number.POSITIVE_INFINITY : timeToNextAutoCommitMs
    if (this.#member.hasNotJoinedGroup) return toCommitMs
    const failure = this.#heartbeatThread?.failure
    if (failure !== undefined) throw failure
    return Math.min(toCommitMs, this.#heartbeat.timeToNextHeartbeatMs)
  }

  /** Nothing but polls do the work of joining. */
  get isPollDue(): boolean {
    return false
  }

  /** The next poll sees it. */
  onSubscriptionUpdated(): void {}

  updatePatternSubscription(): void {
    this.#subscriptionMetadata.updatePatternSubscription()
  }

  enforceRebalance(reason: string): void {
    this.#member.requestRejoin(reason)
  }

  /** Looks for the coordinator, joins, runs callbacks, commits when it is time. */
  async poll(timer: Timer, waitForJoinGroup: boolean): Promise<boolean> {
    const { client, metadata, subscriptions } = this.#options
    this.#subscriptionMetadata.maybeUpdate()
    await this.committer.invokeCompletedCallbacks()
    if (subscriptions.hasAutoAssignedPartitions) {
      if (this.#protocol === undefined) {
        throw new IllegalStateException('there is no assignor: partition.assignment.strategy is empty')
      }
      this.#pollHeartbeat()
      if (!(await this.#connection.ensureReady(timer))) return false
      if (this.#rejoinNeededOrPending() && !(await this.#rejoin(timer, waitForJoinGroup))) return false
    } else {
      // Without a group nobody else polls when no fetch is under way.
      if (metadata.updateRequested && !client.hasReadyNodes()) await client.awaitMetadataUpdate(timer)
      await client.pollNoWakeup(this.#now())
    }
    await this.committer.maybeAutoCommitAsync()
    return true
  }

  initWithCommittedOffsetsIfNeeded(timer: Timer): Promise<readonly TopicPartition[] | undefined> {
    return this.#committedOffsets.initPositions(timer)
  }

  fetchCommittedOffsets(partitions: readonly TopicPartition[], timer: Timer): Promise<CommittedOffsets | undefined> {
    return this.#committedOffsets.fetch(partitions, timer)
  }

  async unsubscribe(): Promise<void> {
    await this.#rebalance.leave()
    await this.#maybeLeaveGroup('DEFAULT', 'the consumer unsubscribed from all topics')
  }

  async close(timer: Timer, operation: GroupMembershipOperation): Promise<void> {
    const { client } = this.#options
    client.disableWakeups()
    try {
      await this.committer.close(timer)
    } finally {
      await this.#heartbeatThread?.close()
      this.#heartbeatThread = undefined
      try {
        await this.#rebalance.leave()
      } finally {
        await this.#maybeLeaveGroup(operation, 'the consumer is being closed')
        const coordinator = this.#connection.get()
        if (coordinator !== undefined) await client.awaitPendingRequests(coordinator, timer)
      }
    }
  }

  /** The application is alive. Throws what ended the heartbeat thread. */
  #pollHeartbeat(): void {
    const thread = this.#heartbeatThread
    if (thread === undefined) return
    if (thread.failure !== undefined) {
      this.#heartbeatThread = undefined
      thread.close()
      throw thread.failure
    }
    if (this.#heartbeat.shouldHeartbeat) thread.wake()
    this.#heartbeat.poll()
  }

  #rejoinNeededOrPending(): boolean {
    const { subscriptions } = this.#options
    if (!subscriptions.hasAutoAssignedPartitions) return false
    if (this.#joiner.assignmentSnapshot?.matches(this.#subscriptionMetadata.snapshot) === false) {
      this.#member.requestRejoinIfNecessary('cached metadata has changed')
    } else if (this.#rebalance.hasSubscriptionChanged) {
      this.#member.requestRejoinIfNecessary('subscription has changed')
    }
    return this.#member.rejoinNeeded || this.#joiner.isPending
  }

  async #rejoin(timer: Timer, waitForJoinGroup: boolean): Promise<boolean> {
    const { client, metadata, subscriptions } = this.#options
    if (subscriptions.hasPatternSubscription) {
      // Topics that were made since must not need another rebalance right after this one.
      if (metadata.timeToAllowUpdate(this.#runtime.clock.monotonicMs()) === 0) metadata.requestUpdate(true)
      if (!(await client.ensureFreshMetadata(timer))) return false
      this.#subscriptionMetadata.maybeUpdate()
    }
    const joinTimer = waitForJoinGroup ? timer : this.#now()
    if (!(await this.#connection.ensureReady(joinTimer))) return false
    this.#heartbeatThread ??= new HeartbeatThread(this.#runtime, {
      ...this.#options,
      coordinator: this.#connection,
      heartbeat: this.#heartbeat,
      member: this.#member,
      requests: this.#requests,
      onPollTimeout: () => this.#leave('DEFAULT', 'consumer poll timeout has expired.'),
    })
    return this.#joiner.join(joinTimer)
  }

  async #maybeLeaveGroup(operation: GroupMembershipOperation, reason: string): Promise<void> {
    if (this.#leave(operation, reason)) await this.#options.client.pollNoWakeup(this.#now())
  }

  /** Tells the coordinator, if it is to be told, and forgets the membership; whether something was sent. */
  #leave(operation: GroupMembershipOperation, reason: string): boolean {
    const member = this.#member
    const isDynamic = this.#options.config.groupInstanceId === undefined
    const wants = operation === 'LEAVE_GROUP' || (operation === 'DEFAULT' && isDynamic)
    const isMember = member.state !== 'unjoined' && member.generation.memberId !== ''
    const sends = wants && isMember && !this.#connection.isUnknown
    if (sends) this.#requests.leave(reason)
    member.resetAndRejoin('consumer pro-actively leaving the group', true)
    return sends
  }

  #now(): Timer {
    return new Timer(this.#runtime, 0)
  }
}

/** The best protocol that all assignors support; undefined without any assignor. */
function protocolOf(assignors: readonly ConsumerPartitionAssignor[]): RebalanceProtocol | undefined {
  if (assignors.length === 0) return undefined
  const isCommon = (protocol: RebalanceProtocol) =>
    assignors.every(({ supportedProtocols }) => supportedProtocols.includes(protocol))
  if (isCommon('COOPERATIVE')) return 'COOPERATIVE'
  if (isCommon('EAGER')) return 'EAGER'
  const names = assignors.map(({ name }) => name).join(', ')
  throw new IllegalArgumentException(`assignors ${names} do not have commonly supported rebalance protocol`)
}
