import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { IllegalStateException } from '../errors.ts'
import type { LeaderAndEpoch } from '../metadata.ts'
import { describePartitions, TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'
import { type AutoOffsetResetStrategy, isSameStrategy } from './auto-offset-reset-strategy.ts'
import { NoOffsetForPartitionException } from './consumer-errors.ts'
import type { ConsumerRebalanceListener } from './consumer-rebalance-listener.ts'
import { type FetchPosition, isSamePosition } from './fetch-position.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import { flattenPartitions, partitionsByTopic } from './partitions-by-topic.ts'
import type { SubscriptionPattern } from './subscription-pattern.ts'
import { TopicPartitionState } from './topic-partition-state.ts'

/** `isolation.level`. */
export type IsolationLevel = 'read_uncommitted' | 'read_committed'

type SubscriptionType = 'none' | 'auto-topics' | 'auto-pattern' | 'auto-pattern-re2j' | 'user-assigned'

/** The log of a partition was cut below a position, and nothing says where to go on. */
export interface LogTruncation {
  readonly partition: TopicPartition
  readonly fetchPosition: FetchPosition
  /** Undefined: the leader does not know. */
  readonly divergentOffset: OffsetAndMetadata | undefined
}

/** What a leader answered to OffsetForLeaderEpoch; −1: undefined. */
export interface EpochEndOffset {
  readonly leaderEpoch: number
  readonly endOffset: number
}

const UNDEFINED_EPOCH = -1
const UNDEFINED_EPOCH_OFFSET = -1

/**
 * What a consumer has subscribed to, what it is assigned, and where it stands in each of these partitions (Kafka's
 * SubscriptionState). Partitions that gave records move to the end, so that all get their turn.
 */
export class SubscriptionState {
  readonly #defaultResetStrategy: AutoOffsetResetStrategy
  #type: SubscriptionType = 'none'
  #pattern: RegExp | undefined
  #re2jPattern: SubscriptionPattern | undefined
  /** Topics of the last assignment by a group of the consumer protocol. */
  #assignedTopicIds: ReadonlySet<string> = new Set()
  #subscription: ReadonlySet<string> = new Set()
  #groupSubscription: ReadonlySet<string> = new Set()
  #assignment = new TopicPartitionMap<TopicPartitionState>()
  #assignmentId = 0
  #rebalanceListener: ConsumerRebalanceListener | undefined

  constructor(defaultResetStrategy: AutoOffsetResetStrategy) {
    this.#defaultResetStrategy = defaultResetStrategy
  }

  /** Grows with every new assignment. */
  get assignmentId(): number {
    return this.#assignmentId
  }

  get rebalanceListener(): ConsumerRebalanceListener | undefined {
    return this.#rebalanceListener
  }

  get hasNoSubscriptionOrUserAssignment(): boolean {
    return this.#type === 'none'
  }

  get hasPatternSubscription(): boolean {
    return this.#type === 'auto-pattern'
  }

  /** The pattern that the group's coordinator looks for; undefined: there is none. */
  get subscriptionPattern(): SubscriptionPattern | undefined {
    return this.#type === 'auto-pattern-re2j' ? this.#re2jPattern : undefined
  }

  /** Whether the group assigns partitions. */
  get hasAutoAssignedPartitions(): boolean {
    return this.#type === 'auto-topics' || this.#type === 'auto-pattern' || this.#type === 'auto-pattern-re2j'
  }

  get assignedTopicIds(): ReadonlySet<string> {
    return this.#assignedTopicIds
  }

  set assignedTopicIds(topicIds: ReadonlySet<string>) {
    this.#assignedTopicIds = topicIds
  }

  /** Whether a topic is only of interest because the coordinator found it by the pattern. */
  isAssignedFromRe2j(topicId: string): boolean {
    return this.#type === 'auto-pattern-re2j' && this.#assignedTopicIds.has(topicId)
  }

  get hasDefaultOffsetResetPolicy(): boolean {
    return this.#defaultResetStrategy.type !== 'none'
  }

  /** Topics subscribed to, by name or because the pattern matches them. Empty with an assignment by the user. */
  get subscription(): ReadonlySet<string> {
    return this.hasAutoAssignedPartitions ? this.#subscription : new Set()
  }

  /** @returns whether that changes anything. @throws IllegalStateException when subscribed or assigned in another way */
  subscribe(topics: Iterable<string>, listener: ConsumerRebalanceListener | undefined): boolean {
    this.#setType('auto-topics')
    this.#rebalanceListener = listener
    return this.#changeSubscription(new Set(topics))
  }

  /** As `subscribe`, to what matches as a whole. */
  subscribePattern(pattern: RegExp, listener: ConsumerRebalanceListener | undefined): void {
    this.#setType('auto-pattern')
    this.#rebalanceListener = listener
    this.#pattern = wholeMatch(pattern)
  }

  /** As `subscribe`, to what the group's coordinator finds by a pattern. */
  subscribeRe2jPattern(pattern: SubscriptionPattern, listener: ConsumerRebalanceListener | undefined): void {
    this.#setType('auto-pattern-re2j')
    this.#rebalanceListener = listener
    this.#re2jPattern = pattern
  }

  /** The topics that the pattern matches now; whether they changed. */
  subscribeFromPattern(topics: Iterable<string>): boolean {
    if (!this.hasPatternSubscription) throw new IllegalStateException('there is no subscription to a pattern')
    return this.#changeSubscription(new Set(topics))
  }

  matchesSubscribedPattern(topic: string): boolean {
    return this.#pattern?.test(topic) === true
  }

  /** The leader needs what all members have subscribed to; whether some of it is new. */
  groupSubscribe(topics: Iterable<string>): boolean {
    if (!this.hasAutoAssignedPartitions) throw new IllegalStateException('there is no subscription')
    this.#groupSubscription = new Set(topics)
    return [...this.#groupSubscription].some(topic => !this.#subscription.has(topic))
  }

  resetGroupSubscription(): void {
    this.#groupSubscription = new Set()
  }

  /** Topics whose metadata is needed. */
  metadataTopics(): Set<string> {
    return new Set([...this.#subscription, ...this.#groupSubscription])
  }

  needsMetadata(topic: string): boolean {
    return this.#subscription.has(topic) || this.#groupSubscription.has(topic)
  }

  /** @returns whether that changes anything. @throws IllegalStateException when there is a subscription */
  assignFromUser(partitions: Iterable<TopicPartition>): boolean {
    this.#setType('user-assigned')
    const assigned = new TopicPartitionSet(partitions)
    if (assigned.equals(new TopicPartitionSet(this.#assignment.keys()))) return false
    this.#setAssignment(assigned)
    this.#changeSubscription(new Set([...assigned].map(({ topic }) => topic)))
    return true
  }

  assignFromSubscribed(partitions: Iterable<TopicPartition>): void {
    if (!this.hasAutoAssignedPartitions) throw new IllegalStateException('partitions are assigned by the user')
    this.#setAssignment(partitions)
  }

  /** As `assignFromSubscribed`; those that were added are not read until `enablePartitionsAwaitingCallback`. */
  assignFromSubscribedAwaitingCallback(partitions: Iterable<TopicPartition>, added: Iterable<TopicPartition>): void {
    this.assignFromSubscribed(partitions)
    for (const partition of added) this.state(partition).pendingOnAssignedCallback = true
  }

  /** The application has heard of these partitions. */
  enablePartitionsAwaitingCallback(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) {
      const state = this.#assignment.get(partition)
      if (state !== undefined) state.pendingOnAssignedCallback = false
    }
  }

  /** Whether the subscription has all topics of an assignment: it may have changed while the group rebalanced. */
  checkAssignmentMatchedSubscription(partitions: Iterable<TopicPartition>): boolean {
    const isSubscribed = (topic: string) =>
      this.#pattern === undefined ? this.#subscription.has(topic) : this.#pattern.test(topic)
    return [...partitions].every(({ topic }) => isSubscribed(topic))
  }

  unsubscribe(): void {
    this.#subscription = new Set()
    this.#groupSubscription = new Set()
    this.#assignment = new TopicPartitionMap()
    this.#assignedTopicIds = new Set()
    this.#pattern = undefined
    this.#type = 'none'
    this.#assignmentId++
  }

  /** In the order in which they get their turn. */
  assignedPartitions(): TopicPartition[] {
    return this.#assignment.keys()
  }

  get numAssignedPartitions(): number {
    return this.#assignment.size
  }

  isAssigned(partition: TopicPartition): boolean {
    return this.#assignment.has(partition)
  }

  /** @throws IllegalStateException when the partition is not assigned */
  state(partition: TopicPartition): TopicPartitionState {
    const state = this.#assignment.get(partition)
    if (state === undefined)
      throw new IllegalStateException(`no current assignment for partition ${partitionKey(partition)}`)
    return state
  }

  stateOrUndefined(partition: TopicPartition): TopicPartitionState | undefined {
    return this.#assignment.get(partition)
  }

  isFetchable(partition: TopicPartition): boolean {
    return this.#assignment.get(partition)?.isFetchable === true && this.#isSubscribed(partition)
  }

  /** Those that can be fetched, in the order in which they get their turn. */
  fetchablePartitions(isAvailable: (partition: TopicPartition) => boolean): TopicPartition[] {
    return this.#collect((state, partition) => state.isFetchable && this.#isSubscribed(partition)).filter(isAvailable)
  }

  pausedPartitions(): TopicPartition[] {
    return this.#collect(({ paused }) => paused)
  }

  initializingPartitions(): TopicPartition[] {
    return this.#collect(({ shouldInitialize }) => shouldInitialize)
  }

  partitionsNeedingReset(nowMs: number): TopicPartition[] {
    return this.#collect(state => state.awaitingReset && !state.awaitingRetryBackoff(nowMs))
  }

  /** With the positions to validate. */
  partitionsNeedingValidation(nowMs: number): TopicPartitionMap<FetchPosition> {
    const positions = new TopicPartitionMap<FetchPosition>()
    for (const [partition, state] of this.#assignment) {
      const isDue = state.awaitingValidation && !state.awaitingRetryBackoff(nowMs)
      if (isDue && state.position !== undefined) positions.set(partition, state.position)
    }
    return positions
  }

  get hasAllFetchPositions(): boolean {
    return this.#assignment.values().every(({ hasValidPosition }) => hasValidPosition)
  }

  /** What a commit of all that was read holds. */
  allConsumed(): TopicPartitionMap<OffsetAndMetadata> {
    const consumed = new TopicPartitionMap<OffsetAndMetadata>()
    for (const [partition, { hasValidPosition, position }] of this.#assignment) {
      if (!hasValidPosition || position === undefined) continue
      consumed.set(partition, { offset: position.offset, leaderEpoch: position.offsetEpoch, metadata: '' })
    }
    return consumed
  }

  requestOffsetReset(partition: TopicPartition, strategy = this.#defaultResetStrategy): void {
    this.state(partition).reset(strategy)
  }

  /**
   * Lets partitions without a committed offset begin as `auto.offset.reset` says.
   *
   * @param asked partitions of which it is known; none of those that were assigned since
   * @throws NoOffsetForPartitionException when that is `none`
   */
  resetInitializingPositions(asked: Iterable<TopicPartition>): void {
    const known = new TopicPartitionSet(asked)
    const initializing = this.initializingPartitions().filter(partition => known.has(partition))
    if (initializing.length > 0 && !this.hasDefaultOffsetResetPolicy)
      throw new NoOffsetForPartitionException(initializing)
    for (const partition of initializing) this.requestOffsetReset(partition)
  }

  /** The offset that a reset asked for; nothing when meanwhile something else was decided. */
  maybeSeekUnvalidated(partition: TopicPartition, position: FetchPosition, requested: AutoOffsetResetStrategy): void {
    const state = this.#assignment.get(partition)
    if (state?.awaitingReset !== true) return
    if (state.resetStrategy === undefined || !isSameStrategy(requested, state.resetStrategy)) return
    state.seekUnvalidated(position)
  }

  /** See `TopicPartitionState.maybeValidatePosition`. */
  maybeValidatePositionForCurrentLeader(partition: TopicPartition, leader: LeaderAndEpoch, canAsk: boolean): boolean {
    const state = this.#assignment.get(partition)
    if (state === undefined) return false
    if (canAsk || leader.leader === undefined) return state.maybeValidatePosition(leader)
    state.updateLeaderWithoutValidation(leader)
    return false
  }

  /**
   * Takes the end of the epoch of a position's last record. When the log was cut below the position, it is reset, or, when
   * there is no reset policy, the truncation is returned.
   */
  maybeCompleteValidation(
    partition: TopicPartition,
    requestPosition: FetchPosition,
    { leaderEpoch, endOffset }: EpochEndOffset,
  ): LogTruncation | undefined {
    const state = this.#assignment.get(partition)
    const position = state?.position
    if (state === undefined || position === undefined || !state.awaitingValidation) return undefined
    if (!isSamePosition(position, requestPosition)) return undefined
    const fetchPosition = requestPosition
    if (endOffset === UNDEFINED_EPOCH_OFFSET || leaderEpoch === UNDEFINED_EPOCH) {
      if (!this.hasDefaultOffsetResetPolicy) return { partition, fetchPosition, divergentOffset: undefined }
      this.requestOffsetReset(partition)
    } else if (endOffset < position.offset) {
      const divergentOffset = { offset: endOffset, leaderEpoch }
      if (!this.hasDefaultOffsetResetPolicy) return { partition, fetchPosition, divergentOffset }
      state.seekValidated({ offset: endOffset, offsetEpoch: leaderEpoch, currentLeader: position.currentLeader })
    } else {
      state.completeValidation()
    }
    return undefined
  }

  /** Requests of these partitions may be made again from then on. */
  setNextAllowedRetry(partitions: Iterable<TopicPartition>, nextRetryMs: number): void {
    for (const partition of partitions) this.#assignment.get(partition)?.setNextAllowedRetry(nextRetryMs)
  }

  /** Undefined: not known. */
  partitionEndOffset(partition: TopicPartition, isolationLevel: IsolationLevel): number | undefined {
    const { lastStableOffset, highWatermark } = this.state(partition)
    return isolationLevel === 'read_committed' ? lastStableOffset : highWatermark
  }

  /** Records from the position to the end; undefined when either is not known. */
  partitionLag(partition: TopicPartition, isolationLevel: IsolationLevel): number | undefined {
    const { position } = this.state(partition)
    const endOffset = this.partitionEndOffset(partition, isolationLevel)
    return position === undefined || endOffset === undefined ? undefined : endOffset - position.offset
  }

  /** Records from the log's start to the position. */
  partitionLead(partition: TopicPartition): number | undefined {
    const { position, logStartOffset } = this.state(partition)
    return position === undefined || logStartOffset === undefined ? undefined : position.offset - logStartOffset
  }

  markPendingRevocation(partitions: Iterable<TopicPartition>): void {
    for (const partition of partitions) this.state(partition).pendingRevocation = true
  }

  movePartitionToEnd(partition: TopicPartition): void {
    const state = this.#assignment.get(partition)
    if (state === undefined) return
    this.#assignment.delete(partition)
    this.#assignment.set(partition, state)
  }

  /** For messages. */
  describe(): string {
    switch (this.#type) {
      case 'none':
        return 'None'
      case 'auto-topics':
        return `Subscribe(${[...this.#subscription].join(',')})`
      case 'auto-pattern':
        return `Subscribe(${this.#pattern?.source})`
      case 'auto-pattern-re2j':
        return `Subscribe(${this.#re2jPattern?.pattern})`
      case 'user-assigned':
        return `Assign(${describePartitions(this.assignedPartitions())}, id=${this.#assignmentId})`
    }
  }

  #setType(type: SubscriptionType): void {
    if (this.#type !== 'none' && this.#type !== type) {
      throw new IllegalStateException('subscription to topics, partitions and pattern are mutually exclusive')
    }
    this.#type = type
  }

  #changeSubscription(topics: ReadonlySet<string>): boolean {
    const isSame = topics.size === this.#subscription.size && [...topics].every(topic => this.#subscription.has(topic))
    if (isSame) return false
    this.#subscription = topics
    return true
  }

  /** Partitions of one topic stand together, so that requests for them are short. */
  #setAssignment(partitions: Iterable<TopicPartition>): void {
    const assignment = new TopicPartitionMap<TopicPartitionState>()
    for (const partition of flattenPartitions(partitionsByTopic(partitions))) {
      assignment.set(partition, this.#assignment.get(partition) ?? new TopicPartitionState())
    }
    this.#assignment = assignment
    this.#assignmentId++
  }

  #isSubscribed({ topic }: TopicPartition): boolean {
    return this.#type !== 'auto-topics' || this.#subscription.has(topic)
  }

  #collect(matches: (state: TopicPartitionState, partition: TopicPartition) => boolean): TopicPartition[] {
    const partitions: TopicPartition[] = []
    for (const [partition, state] of this.#assignment) if (matches(state, partition)) partitions.push(partition)
    return partitions
  }
}

/** Java's `matches()`: the whole text, and no state from one call to the next. */
function wholeMatch(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''))
}
