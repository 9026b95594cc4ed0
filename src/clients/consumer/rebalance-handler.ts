import { decodeAssignment, encodeSubscription } from '../../protocol/consumer-protocol.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { IllegalStateException, KafkaError } from '../errors.ts'
import { compareStrings, compareTopicPartitions, TopicPartitionSet } from '../topic-partition-map.ts'
import type { ConsumerGroupMetadata } from './consumer-group-metadata.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import type { Assignment, ConsumerPartitionAssignor, RebalanceProtocol } from './consumer-partition-assignor.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import type { JoinProtocols } from './group-requests.ts'
import type { Generation, MemberState } from './member-state.ts'
import type { OffsetCommitter } from './offset-committer.ts'
import { flattenPartitions, partitionsByTopic } from './partitions-by-topic.ts'
import { listenerFailed, type RebalanceListenerInvoker } from './rebalance-listener-invoker.ts'
import type { RequestFuture } from './request-future.ts'
import type { SubscriptionState } from './subscription-state.ts'
import { Timer } from './timer.ts'

/** What an assignment at least takes: its version. */
const MIN_ASSIGNMENT_BYTES = 2

export interface RebalanceHandlerOptions {
  readonly client: ConsumerNetworkClient
  readonly config: GroupRebalanceConfig
  readonly assignors: readonly ConsumerPartitionAssignor[]
  readonly protocol: RebalanceProtocol | undefined
  readonly member: MemberState
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly committer: OffsetCommitter
  readonly invoker: RebalanceListenerInvoker
}

/**
 * What a member does before and after it joins: commits, gives partitions away, takes the new ones, tells the application
 * (onJoinPrepare and onJoinComplete of Kafka's ConsumerCoordinator).
 */
export class RebalanceHandler {
  readonly #runtime: Runtime
  readonly #options: RebalanceHandlerOptions
  #joinedSubscription: ReadonlySet<string> | undefined
  #groupMetadata: ConsumerGroupMetadata
  /** Runs while offsets are committed before joining; others do not wait longer. */
  #joinPrepareTimer: Timer | undefined
  #autoCommit: RequestFuture<void> | undefined

  constructor(runtime: Runtime, options: RebalanceHandlerOptions) {
    this.#runtime = runtime
    this.#options = options
    const { groupId, groupInstanceId } = options.config
    this.#groupMetadata = { groupId, generationId: -1, memberId: '', groupInstanceId }
  }

  get groupMetadata(): ConsumerGroupMetadata {
    return this.#groupMetadata
  }

  /** Whether the subscription is another than the one that the member joined with. */
  get hasSubscriptionChanged(): boolean {
    const { subscription } = this.#options.subscriptions
    const joined = this.#joinedSubscription
    if (joined === undefined) return false
    return joined.size !== subscription.size || [...joined].some(topic => !subscription.has(topic))
  }

  assignor(name: string | undefined): ConsumerPartitionAssignor {
    const assignor = this.#options.assignors.find(candidate => candidate.name === name)
    if (assignor !== undefined) return assignor
    throw new IllegalStateException(`coordinator selected invalid assignment protocol: ${name}`)
  }

  /** What the member tells when it joins. */
  protocols(): JoinProtocols {
    const { assignors, config, member, subscriptions } = this.#options
    this.#joinedSubscription = subscriptions.subscription
    const topics = [...this.#joinedSubscription].sort(compareStrings)
    return assignors.map(assignor => ({
      name: assignor.name,
      metadata: encodeSubscription({
        topics,
        userData: assignor.subscriptionUserData(topics),
        ownedPartitions: partitionsByTopic(subscriptions.assignedPartitions().sort(compareTopicPartitions)),
        generationId: member.generation.generationId,
        rackId: config.rackId ?? null,
      }),
    }))
  }

  /**
   * Commits if that is automatic and gives partitions away. False: it is not done yet, call again.
   *
   * @throws KafkaError when the listener threw; the rebalance goes on with the next call
   */
  async prepare(timer: Timer): Promise<boolean> {
    const { config, subscriptions } = this.#options
    this.#joinPrepareTimer ??= new Timer(this.#runtime, config.rebalanceTimeoutMs)
    if (!(await this.#commitBeforeJoin(timer, this.#joinPrepareTimer))) return false
    const error = await this.#giveAway()
    subscriptions.resetGroupSubscription()
    this.#joinPrepareTimer = undefined
    this.#autoCommit = undefined
    if (error !== undefined) throw listenerFailed(error)
    return true
  }

  /** Takes the new assignment. Errors as for `prepare`. */
  async complete({ generationId, memberId, protocolName }: Generation, encoded: Buffer): Promise<void> {
    const { committer, config, invoker, member, protocol, subscriptions } = this.#options
    const assignor = this.assignor(protocolName)
    const { groupId, groupInstanceId } = config
    this.#groupMetadata = { groupId, generationId, memberId, groupInstanceId }
    const owned = new TopicPartitionSet(subscriptions.assignedPartitions())
    const assignment = decoded(encoded)
    const assigned = new TopicPartitionSet(assignment.partitions.toSorted(compareTopicPartitions))
    if (!subscriptions.checkAssignmentMatchedSubscription(assigned)) {
      member.requestRejoin('received assignment does not match the current subscription')
      return
    }
    let firstError: Error | undefined
    const added = [...assigned].filter(partition => !owned.has(partition))
    if (protocol === 'COOPERATIVE') {
      const revoked = [...owned].filter(partition => !assigned.has(partition)).sort(compareTopicPartitions)
      if (revoked.length > 0) {
        firstError = await invoker.revoked(revoked)
        // Others get them once all members have joined again without them.
        member.requestRejoin('need to revoke partitions and re-join')
      }
    }
    this.#joinAssignedTopics(assigned)
    firstError ??= notify(assignor, assignment, this.#groupMetadata)
    committer.resetAutoCommitTimer()
    subscriptions.assignFromSubscribed(assigned)
    const listenerError = await invoker.assigned(added)
    firstError ??= listenerError
    if (firstError instanceof KafkaError) throw firstError
    if (firstError !== undefined) throw listenerFailed(firstError)
  }

  /** The member leaves: tells the application that all partitions are given away, or lost. Errors as for `prepare`. */
  async leave(): Promise<void> {
    const { invoker, member, subscriptions } = this.#options
    const dropped = subscriptions.assignedPartitions().sort(compareTopicPartitions)
    if (!subscriptions.hasAutoAssignedPartitions || dropped.length === 0) return
    const isLost = member.isNoMember || member.isRebalanceInProgress
    const error = isLost ? await invoker.lost(dropped) : await invoker.revoked(dropped)
    subscriptions.assignFromSubscribed([])
    if (error !== undefined) throw listenerFailed(error)
  }

  /** False: the commit is under way, or is to be tried again. */
  async #commitBeforeJoin(timer: Timer, joinPrepareTimer: Timer): Promise<boolean> {
    const { client, committer, config, protocol, subscriptions } = this.#options
    if (committer.isAutoCommitEnabled && this.#autoCommit === undefined) {
      // What is read from now on would not be committed.
      if (protocol === 'EAGER') subscriptions.markPendingRevocation(subscriptions.assignedPartitions())
      this.#autoCommit = await committer.autoCommitAsync()
    }
    const commit = this.#autoCommit
    if (commit === undefined) return true
    const pollTimer = timer.remainingMs < joinPrepareTimer.remainingMs ? timer : joinPrepareTimer
    await client.pollUntilDone(commit, pollTimer)
    if (commit.isDone) this.#autoCommit = undefined
    if (joinPrepareTimer.isExpired || (commit.isDone && !commit.isRetriable)) return true
    await pollTimer.sleep(config.retryBackoffMs)
    return false
  }

  /** Returns what the listener threw. */
  async #giveAway(): Promise<Error | undefined> {
    const { invoker, member, protocol, subscriptions } = this.#options
    const owned = subscriptions.assignedPartitions().sort(compareTopicPartitions)
    let error: Error | undefined
    if (member.isNoMember) {
      if (owned.length === 0) return undefined
      error = await invoker.lost(owned)
      subscriptions.assignFromSubscribed([])
    } else if (protocol === 'EAGER') {
      error = await invoker.revoked(owned)
      subscriptions.assignFromSubscribed([])
    } else {
      const isSubscribed = ({ topic }: TopicPartition) => subscriptions.subscription.has(topic)
      const revoked = owned.filter(partition => !isSubscribed(partition))
      if (revoked.length === 0) return undefined
      error = await invoker.revoked(revoked)
      subscriptions.assignFromSubscribed(owned.filter(isSubscribed))
    }
    return error
  }

  /** The leader may know topics that match the pattern and that this member has not heard of. */
  #joinAssignedTopics(assigned: Iterable<TopicPartition>): void {
    const { metadata, subscriptions } = this.#options
    if (!subscriptions.hasPatternSubscription) return
    const joined = this.#joinedSubscription ?? new Set()
    const added = [...assigned].map(({ topic }) => topic).filter(topic => !joined.has(topic))
    if (added.length === 0) return
    if (subscriptions.subscribeFromPattern([...subscriptions.subscription, ...added])) {
      metadata.requestUpdateForNewTopics()
    }
    this.#joinedSubscription = new Set([...joined, ...added])
  }
}

function decoded(encoded: Buffer): Assignment {
  if (encoded.length < MIN_ASSIGNMENT_BYTES) {
    throw new IllegalStateException(
      `there are insufficient bytes available to read assignment from the sync-group response (actual byte size ` +
        `${encoded.length}): it is possible that the leader's assign function did not return any for this member`,
    )
  }
  const { assignedPartitions, userData } = decodeAssignment(encoded)
  return { partitions: flattenPartitions(assignedPartitions), userData }
}

function notify(
  assignor: ConsumerPartitionAssignor,
  assignment: Assignment,
  metadata: ConsumerGroupMetadata,
): Error | undefined {
  try {
    assignor.onAssignment(assignment, metadata)
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
