import type { ConsumerGroupHeartbeatResponse } from '../../../protocol/apis/consumer-group-heartbeat.ts'
import type { Runtime } from '../../../runtime/runtime.ts'
import { IllegalStateException } from '../../errors.ts'
import type { ConsumerMetrics } from '../consumer-metrics.ts'
import type { GroupMembershipOperation } from '../group-membership.ts'
import type { GroupRebalanceConfig } from '../group-rebalance-config.ts'
import { RequestFuture } from '../request-future.ts'
import {
  AssignmentReconciler,
  type AssignmentReconcilerOptions,
  type ReconcilingMember,
} from './assignment-reconciler.ts'
import { type ConsumerMemberState, canFollow, canHandleNewAssignment, isNotInGroup } from './consumer-member-state.ts'
import type { LocalAssignment, PartitionsByTopicId } from './local-assignment.ts'

const JOIN_GROUP_EPOCH = 0
const LEAVE_GROUP_EPOCH = -1
/** A static member is away for a while. */
const LEAVE_GROUP_STATIC_EPOCH = -2

export interface ConsumerMembershipManagerOptions extends AssignmentReconcilerOptions {
  readonly config: GroupRebalanceConfig
  readonly memberId: string
  readonly metrics: ConsumerMetrics
  /** @param memberEpoch undefined: the member is out of the group */
  readonly onMemberEpochUpdated: (memberEpoch: number | undefined) => void
  /** Heartbeats may be due, or there may be something to reconcile. */
  readonly onTransition: () => void
}

/**
 * Where a member of the consumer protocol stands with its group, and what becomes of it (Kafka's AbstractMembershipManager
 * and ConsumerMembershipManager, KIP-848). Heartbeats tell the group, their answers come here.
 */
export class ConsumerMembershipManager implements ReconcilingMember {
  readonly memberId: string
  readonly #runtime: Runtime
  readonly #options: ConsumerMembershipManagerOptions
  readonly #reconciler: AssignmentReconciler
  #state: ConsumerMemberState = 'unsubscribed'
  #memberEpoch = JOIN_GROUP_EPOCH
  #leaveOperation: GroupMembershipOperation = 'DEFAULT'
  #leaving: RequestFuture<void> | undefined
  /** The assignment of a member that left because the application did not poll is given up. */
  #staleRelease: RequestFuture<void> | undefined
  #isPollTimerExpired = false
  #isSubscriptionUpdated = false
  #rebalanceStartMs: number | undefined
  #rebalanceEndMs: number | undefined

  constructor(runtime: Runtime, options: ConsumerMembershipManagerOptions) {
    this.#runtime = runtime
    this.#options = options
    this.memberId = options.memberId
    this.#reconciler = new AssignmentReconciler(this, options)
  }

  get state(): ConsumerMemberState {
    return this.#state
  }

  get memberEpoch(): number {
    return this.#memberEpoch
  }

  get currentAssignment(): LocalAssignment {
    return this.#reconciler.currentAssignment
  }

  /** Of the last rebalance that succeeded, monotonic ms; undefined: there was none. */
  get rebalanceEndMs(): number | undefined {
    return this.#rebalanceEndMs
  }

  /** See `AssignmentReconciler`. */
  get awaitsMetadata(): boolean {
    return this.#reconciler.awaitsMetadata
  }

  /** See `AssignmentReconciler`. */
  get awaitsApplication(): boolean {
    return this.#reconciler.awaitsApplication
  }

  /** Whether a heartbeat is due whatever the interval says. */
  get shouldHeartbeatNow(): boolean {
    return this.#state === 'acknowledging' || this.#state === 'leaving' || this.#state === 'joining'
  }

  get shouldSkipHeartbeat(): boolean {
    return isNotInGroup(this.#state)
  }

  get isLeavingGroup(): boolean {
    return !this.#remainsInGroup && (this.#state === 'prepare-leaving' || this.#state === 'leaving')
  }

  /** Whether the consumer is closed without a word to the group, until its session is over. */
  get #remainsInGroup(): boolean {
    return this.#leaveOperation === 'REMAIN_IN_GROUP' && this.#options.config.groupInstanceId === undefined
  }

  maybeReconcile(canCommit: boolean): void {
    this.#reconciler.maybeReconcile(canCommit)
  }

  onSubscriptionUpdated(): void {
    this.#isSubscriptionUpdated = true
  }

  /** Joins with the first poll after a subscription. */
  onConsumerPoll(): void {
    const isUpdated = this.#isSubscriptionUpdated
    this.#isSubscriptionUpdated = false
    if (isUpdated && this.#state === 'unsubscribed') this.#transitionToJoining()
  }

  onHeartbeatSuccess({ assignment, memberEpoch }: ConsumerGroupHeartbeatResponse): void {
    if (this.#state === 'leaving') return
    if (this.#state === 'unsubscribed' && memberEpoch < 0 && this.#completeLeave()) return
    if (isNotInGroup(this.#state)) return
    if (memberEpoch < 0) {
      this.#completeLeave()
      return
    }
    this.#updateEpoch(memberEpoch)
    if (assignment === null || !canHandleNewAssignment(this.#state)) return
    const partitions: PartitionsByTopicId = new Map(
      assignment.topicPartitions.map(topic => [topic.topicId, topic.partitions.toSorted((a, b) => a - b)]),
    )
    this.#reconciler.updateTarget(partitions)
    if (!this.#reconciler.isTargetReconciled) this.transitionTo('reconciling')
    else if (this.#state === 'reconciling' || this.#state === 'joining') this.transitionTo('stable')
  }

  /** After the error itself was dealt with. */
  onHeartbeatFailure(isRetriable: boolean): void {
    if (!isRetriable && this.#rebalanceStartMs !== undefined) this.#options.metrics.failedRebalance(1)
    if (this.#state === 'unsubscribed') this.#completeLeave()
  }

  /** A heartbeat goes out: ends the states that only wait for it. */
  onHeartbeatGenerated(): void {
    if (this.#state === 'acknowledging') {
      this.transitionTo(this.#reconciler.isTargetReconciled ? 'stable' : 'reconciling')
    } else if (this.#state === 'leaving') {
      if (this.#isPollTimerExpired) this.#transitionToStale()
      else this.transitionTo('unsubscribed')
    }
  }

  /** A heartbeat cannot go out, or is not to: who leaves does not wait for it. */
  onHeartbeatSkipped(): void {
    if (this.#state !== 'leaving') return
    this.transitionTo('unsubscribed')
    this.#completeLeave()
  }

  /** Whether the group is not to be told that the member leaves. */
  get leavesSilently(): boolean {
    return this.#state === 'leaving' && this.#remainsInGroup
  }

  /** The group goes on without the member: gives everything up, then joins again. */
  transitionToFenced(): void {
    if (this.#state === 'prepare-leaving') this.transitionToSendingLeaveGroup(false)
    if (this.#state === 'leaving') {
      this.transitionTo('unsubscribed')
      this.#completeLeave()
      return
    }
    if (this.#state === 'unsubscribed') return
    this.transitionTo('fenced')
    this.#updateEpoch(JOIN_GROUP_EPOCH)
    this.#signalPartitionsLost(() => {
      this.#reconciler.clearAssignment()
      if (this.#state === 'fenced') this.#transitionToJoining()
    })
  }

  transitionToFatal(): void {
    const previous = this.#state
    this.transitionTo('fatal')
    this.#options.onMemberEpochUpdated(undefined)
    if (previous === 'unsubscribed' && this.#completeLeave()) return
    if (previous === 'leaving' || previous === 'prepare-leaving') {
      this.#completeLeave()
      return
    }
    this.#signalPartitionsLost(() => this.#reconciler.clearAssignment())
  }

  /** The application polls again: a member that had left because it did not joins again. */
  maybeRejoinStaleMember(): void {
    this.#isPollTimerExpired = false
    if (this.#state !== 'stale') return
    const join = () => this.#transitionToJoining()
    this.#staleRelease?.addListener({ onSuccess: join })
    this.#staleRelease = undefined
  }

  /** Leaves and unsubscribes, after the listener has heard of it. The future ends when the group has, or cannot, be told. */
  leaveGroup(): RequestFuture<void> {
    return this.#leaveGroup(true)
  }

  /** As `leaveGroup`, without the listener. */
  leaveGroupOnClose(operation: GroupMembershipOperation): RequestFuture<void> {
    this.#leaveOperation = operation
    return this.#leaveGroup(false)
  }

  /** @param dueToExpiredPollTimer the application does not poll: it is to join again when it does */
  transitionToSendingLeaveGroup(dueToExpiredPollTimer: boolean): void {
    if (this.#state === 'fatal' || this.#state === 'unsubscribed') return
    if (dueToExpiredPollTimer) {
      this.#isPollTimerExpired = true
      this.transitionTo('prepare-leaving')
    }
    this.#updateEpoch(this.#leaveGroupEpoch())
    this.#reconciler.forgetCurrent()
    this.transitionTo('leaving')
  }

  transitionTo(next: ConsumerMemberState): void {
    const previous = this.#state
    if (!canFollow(previous, next)) {
      throw new IllegalStateException(`invalid state transition of a group's member from ${previous} to ${next}`)
    }
    const nowMs = this.#runtime.clock.monotonicMs()
    if (previous === 'reconciling' && (next === 'stable' || next === 'acknowledging')) {
      this.#options.metrics.rebalanceLatency(nowMs - (this.#rebalanceStartMs ?? nowMs))
      this.#rebalanceStartMs = undefined
      this.#rebalanceEndMs = nowMs
    }
    if (previous !== 'reconciling' && next === 'reconciling') this.#rebalanceStartMs = nowMs
    this.#state = next
    this.#options.onTransition()
  }

  #transitionToJoining(): void {
    if (this.#state === 'fatal') return
    this.#updateEpoch(JOIN_GROUP_EPOCH)
    this.#reconciler.rejoin()
    this.transitionTo('joining')
  }

  #transitionToStale(): void {
    this.transitionTo('stale')
    const released = new RequestFuture<void>()
    this.#staleRelease = released
    this.#signalPartitionsLost(() => {
      this.#reconciler.clearAssignment()
      released.complete()
    })
  }

  #leaveGroup(runsCallbacks: boolean): RequestFuture<void> {
    const { subscriptions } = this.#options
    if (isNotInGroup(this.#state)) {
      if (this.#state === 'fenced') {
        this.#reconciler.clearAssignment()
        this.transitionTo('unsubscribed')
      }
      subscriptions.unsubscribe()
      return RequestFuture.success(undefined)
    }
    const isLeaving = this.#state === 'prepare-leaving' || this.#state === 'leaving'
    if (isLeaving && this.#leaving !== undefined) return this.#leaving
    this.transitionTo('prepare-leaving')
    const left = new RequestFuture<void>()
    this.#leaving = left
    const leave = () => {
      subscriptions.unsubscribe()
      this.#reconciler.clearAssignment()
      this.transitionToSendingLeaveGroup(false)
    }
    if (runsCallbacks) this.#releaseAssignment(leave)
    else leave()
    return left
  }

  /** The listener hears that all partitions are given away, or, out of the group already, that they are lost. */
  #releaseAssignment(whenDone: () => void): void {
    if (this.#memberEpoch > 0) {
      const partitions = this.#options.subscriptions.assignedPartitions()
      this.#reconciler.revoke(partitions).addListener({ onSuccess: whenDone, onFailure: whenDone })
    } else {
      this.#signalPartitionsLost(whenDone)
    }
  }

  /** Lets the listener hear of it, whatever it throws. */
  #signalPartitionsLost(whenDone: () => void): void {
    const { events, subscriptions } = this.#options
    const partitions = subscriptions.assignedPartitions()
    if (partitions.length === 0 || subscriptions.rebalanceListener === undefined) whenDone()
    else events.call('lost', partitions).addListener({ onSuccess: whenDone, onFailure: whenDone })
  }

  #leaveGroupEpoch(): number {
    if (this.#leaveOperation === 'LEAVE_GROUP') return LEAVE_GROUP_EPOCH
    return this.#options.config.groupInstanceId === undefined ? LEAVE_GROUP_EPOCH : LEAVE_GROUP_STATIC_EPOCH
  }

  #updateEpoch(memberEpoch: number): void {
    if (memberEpoch === this.#memberEpoch) return
    this.#memberEpoch = memberEpoch
    this.#options.onMemberEpochUpdated(memberEpoch > 0 ? memberEpoch : undefined)
  }

  #completeLeave(): boolean {
    const leaving = this.#leaving
    this.#leaving = undefined
    leaving?.complete()
    return leaving !== undefined
  }
}
