import type { TopicPartition } from '../../../protocol/topic-partition.ts'
import { KafkaError } from '../../errors.ts'
import { TopicPartitionSet } from '../../topic-partition-map.ts'
import type { ConsumerMetadata } from '../consumer-metadata.ts'
import { RequestFuture } from '../request-future.ts'
import type { SubscriptionState } from '../subscription-state.ts'
import type { BackgroundEvents } from './background-events.ts'
import type { ConsumerMemberState } from './consumer-member-state.ts'
import { LocalAssignment, type PartitionsByTopicId } from './local-assignment.ts'

export interface AssignmentReconcilerOptions {
  readonly events: BackgroundEvents
  readonly isAutoCommitEnabled: boolean
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly onWarning: (message: string) => void
  /** Commits what was read, if that is automatic. */
  readonly commitBeforeRebalance: () => RequestFuture<void>
  /** The member has a new assignment. */
  readonly onReconciled: () => void
}

/** The member that an assignment is of. */
export interface ReconcilingMember {
  readonly state: ConsumerMemberState
  transitionTo(state: ConsumerMemberState): void
}

/**
 * Makes the assignment that the group has told the member's own (the reconciliation of Kafka's AbstractMembershipManager):
 * commits, gives away what is no longer assigned, only then takes what is new, then lets the member acknowledge. What comes
 * meanwhile is reconciled next.
 */
export class AssignmentReconciler {
  readonly #options: AssignmentReconcilerOptions
  readonly #member: ReconcilingMember
  /** Names of topics that are assigned, for when metadata no longer knows them. */
  readonly #topicNames = new Map<string, string>()
  #current = LocalAssignment.NONE
  #target = LocalAssignment.NONE
  #isInProgress = false
  #hasRejoinedMeanwhile = false
  /** All whose topics are known is reconciled. */
  #awaitsMetadata = false

  constructor(member: ReconcilingMember, options: AssignmentReconcilerOptions) {
    this.#member = member
    this.#options = options
  }

  /** What the member owns. */
  get currentAssignment(): LocalAssignment {
    return this.#current
  }

  get isTargetReconciled(): boolean {
    return this.#current.equals(this.#target)
  }

  /** Whether topics of the assignment are not known yet: to be tried again. */
  get awaitsMetadata(): boolean {
    return this.#awaitsMetadata && this.#canBegin
  }

  /** Whether the application must poll for it to go on: only then it is known what may be committed. */
  get awaitsApplication(): boolean {
    return this.#options.isAutoCommitEnabled && !this.#awaitsMetadata && this.#canBegin
  }

  get #canBegin(): boolean {
    return this.#member.state === 'reconciling' && !this.#isInProgress && !this.isTargetReconciled
  }

  /** The group has told another assignment. */
  updateTarget(partitions: PartitionsByTopicId): void {
    const updated = this.#target.updateWith(partitions)
    if (updated === undefined) return
    this.#target = updated
    this.#awaitsMetadata = false
    this.#options.subscriptions.assignedTopicIds = new Set(partitions.keys())
  }

  /** The member joins anew: what it was told before is of no meaning. */
  rejoin(): void {
    if (this.#isInProgress) this.#hasRejoinedMeanwhile = true
    this.#clearTarget()
  }

  /** The member has left: it owns nothing. */
  forgetCurrent(): void {
    this.#current = LocalAssignment.NONE
  }

  clearAssignment(): void {
    const { subscriptions } = this.#options
    if (subscriptions.hasAutoAssignedPartitions) subscriptions.assignFromSubscribed([])
    this.#current = LocalAssignment.NONE
    this.#clearTarget()
  }

  /**
   * Begins when there is something to reconcile and nothing under way.
   *
   * @param canCommit whether all that was returned to the application is done with, as at the beginning of a poll
   */
  maybeReconcile(canCommit: boolean): void {
    if (!this.#canBegin) return
    const { commitBeforeRebalance, isAutoCommitEnabled, onWarning, subscriptions } = this.#options
    const { assigned, partitions } = this.#resolveTarget()
    const resolved = new LocalAssignment(this.#target.localEpoch, partitions)
    if (!this.#current.isNone && this.#current.hasSamePartitions(partitions)) {
      this.#acknowledgeResolved(resolved)
      return
    }
    this.#awaitsMetadata = false
    if (isAutoCommitEnabled && !canCommit) return
    this.#isInProgress = true
    this.#hasRejoinedMeanwhile = false
    const owned = new TopicPartitionSet(subscriptions.assignedPartitions())
    const target = new TopicPartitionSet(assigned)
    const added = assigned.filter(partition => !owned.has(partition))
    const revoked = [...owned].filter(partition => !target.has(partition))
    subscriptions.markPendingRevocation(revoked)
    const goOn = () => {
      if (!this.#maybeAbort()) this.#revokeAndAssign(resolved, assigned, revoked, added)
    }
    commitBeforeRebalance().addListener({
      onSuccess: goOn,
      onFailure: error => {
        onWarning(`automatic commit before a rebalance failed: ${error.message}`)
        goOn()
      },
    })
  }

  /** Lets the listener hear that partitions are given away, as far as they are still assigned. */
  revoke(partitions: readonly TopicPartition[]): RequestFuture<void> {
    const { events, subscriptions } = this.#options
    const revoked = partitions.filter(partition => subscriptions.isAssigned(partition))
    subscriptions.markPendingRevocation(revoked)
    if (this.#member.state === 'fatal') {
      return RequestFuture.failure(new KafkaError('the member failed while it gave partitions away'))
    }
    const hasListener = subscriptions.rebalanceListener !== undefined
    return revoked.length > 0 && hasListener ? events.call('revoked', revoked) : RequestFuture.success(undefined)
  }

  /** Part of the target cannot be taken, because its topics are not known, and the rest is the member's already. */
  #acknowledgeResolved(resolved: LocalAssignment): void {
    this.#awaitsMetadata = true
    // Once: Kafka acknowledges it again and again while it waits for metadata.
    if (this.#current.localEpoch === resolved.localEpoch) return
    this.#current = resolved
    this.#member.transitionTo('acknowledging')
  }

  #revokeAndAssign(
    resolved: LocalAssignment,
    assigned: readonly TopicPartition[],
    revoked: readonly TopicPartition[],
    added: readonly TopicPartition[],
  ): void {
    const fail = () => this.#complete()
    const revocation = revoked.length > 0 ? this.revoke(revoked) : RequestFuture.success<void>(undefined)
    revocation.addListener({
      onFailure: fail,
      onSuccess: () => {
        if (this.#maybeAbort()) return
        this.#assign(assigned, added).addListener({
          onFailure: fail,
          onSuccess: () => {
            if (!this.#isInProgress || this.#maybeAbort()) return
            this.#current = resolved
            this.#options.onReconciled()
            this.#member.transitionTo('acknowledging')
            this.#complete()
          },
        })
      },
    })
  }

  #assign(assigned: readonly TopicPartition[], added: readonly TopicPartition[]): RequestFuture<void> {
    const { events, subscriptions } = this.#options
    subscriptions.assignFromSubscribedAwaitingCallback(assigned, added)
    const topics = new Set(assigned.map(({ topic }) => topic))
    for (const [topicId, name] of this.#topicNames) if (!topics.has(name)) this.#topicNames.delete(topicId)
    // Of an empty list too, as ever. Partitions stay unread when the listener fails, until a later call has told of them.
    const hasListener = subscriptions.rebalanceListener !== undefined
    const told = hasListener ? events.call('assigned', added) : RequestFuture.success<void>(undefined)
    told.addListener({ onSuccess: () => subscriptions.enablePartitionsAwaitingCallback(assigned) })
    return told
  }

  /** Whether what is under way is of no meaning any more: the member is out of the group, or in it anew. */
  #maybeAbort(): boolean {
    const aborts = this.#member.state !== 'reconciling' || this.#hasRejoinedMeanwhile
    if (aborts) this.#complete()
    return aborts
  }

  #complete(): void {
    this.#isInProgress = false
    this.#hasRejoinedMeanwhile = false
  }

  #clearTarget(): void {
    this.#target = LocalAssignment.NONE
    this.#awaitsMetadata = false
    this.#topicNames.clear()
  }

  /** The part of the target whose topics are known; asks for metadata when that is not all. */
  #resolveTarget(): { readonly assigned: TopicPartition[]; readonly partitions: PartitionsByTopicId } {
    const { metadata } = this.#options
    const cluster = metadata.fetch()
    const partitions = new Map<string, readonly number[]>()
    const assigned: TopicPartition[] = []
    for (const [topicId, numbers] of this.#target.partitions) {
      const topic = cluster.topicName(topicId) ?? this.#topicNames.get(topicId)
      if (topic === undefined) continue
      this.#topicNames.set(topicId, topic)
      partitions.set(topicId, numbers)
      for (const partition of numbers) assigned.push({ topic, partition })
    }
    if (partitions.size < this.#target.partitions.size) metadata.requestUpdate(true)
    return { assigned, partitions }
  }
}
