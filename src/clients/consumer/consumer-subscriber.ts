import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { IllegalArgumentException, IllegalStateException, UnsupportedOperationException } from '../errors.ts'
import { InvalidGroupIdException } from './consumer-errors.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import type { ConsumerRebalanceListener } from './consumer-rebalance-listener.ts'
import type { GroupMembership } from './group-membership.ts'
import { SubscriptionPattern } from './subscription-pattern.ts'

/** What a consumer reads: subscribes, assigns and gives up, for `KafkaConsumer`. */
export class ConsumerSubscriber<K, V> {
  readonly #parts: ConsumerParts<K, V>

  constructor(parts: ConsumerParts<K, V>) {
    this.#parts = parts
  }

  async subscribe(
    topics: readonly string[] | RegExp | SubscriptionPattern,
    listener: ConsumerRebalanceListener | undefined,
  ): Promise<void> {
    const membership = groupMembershipOf(this.#parts)
    const { assignors, config } = this.#parts
    if (topics instanceof SubscriptionPattern) return this.#subscribeRe2j(topics, listener, membership)
    if (!(topics instanceof RegExp) && topics.length === 0) return this.unsubscribe()
    if (!(topics instanceof RegExp) && topics.some(topic => topic.trim() === '')) {
      throw new IllegalArgumentException('topics to subscribe to must not be empty')
    }
    if (config.groupProtocol === 'classic' && assignors.length === 0) {
      throw new IllegalStateException('must configure at least one assignor in partition.assignment.strategy')
    }
    if (topics instanceof RegExp) this.#subscribePattern(topics, listener, membership)
    else this.#subscribeTopics(topics, listener, membership)
  }

  async assign(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0) return this.unsubscribe()
    for (const { topic } of partitions) {
      if (topic.trim() === '') throw new IllegalArgumentException('topics of partitions must not be empty')
    }
    const { fetcher, membership, metadata, subscriptions } = this.#parts
    fetcher.clearBufferedDataForUnassignedPartitions(partitions)
    await membership?.committer.maybeAutoCommitAsync()
    if (subscriptions.assignFromUser(partitions)) metadata.requestUpdateForNewTopics()
  }

  async unsubscribe(): Promise<void> {
    const { fetcher, membership, subscriptions } = this.#parts
    fetcher.clearBufferedDataForUnassignedPartitions([])
    await membership?.unsubscribe()
    subscriptions.unsubscribe()
  }

  #subscribeTopics(
    topics: readonly string[],
    listener: ConsumerRebalanceListener | undefined,
    membership: GroupMembership,
  ): void {
    const { fetcher, metadata, subscriptions } = this.#parts
    const kept = subscriptions.assignedPartitions().filter(({ topic }) => topics.includes(topic))
    fetcher.clearBufferedDataForUnassignedPartitions(kept)
    if (subscriptions.subscribe(topics, listener)) metadata.requestUpdateForNewTopics()
    membership.onSubscriptionUpdated()
  }

  #subscribePattern(
    pattern: RegExp,
    listener: ConsumerRebalanceListener | undefined,
    membership: GroupMembership,
  ): void {
    const { metadata, subscriptions } = this.#parts
    subscriptions.subscribePattern(pattern, listener)
    membership.updatePatternSubscription()
    metadata.requestUpdateForNewTopics()
  }

  /** KafkaConsumer.subscribe(SubscriptionPattern). */
  #subscribeRe2j(
    pattern: SubscriptionPattern,
    listener: ConsumerRebalanceListener | undefined,
    membership: GroupMembership,
  ): void {
    const { config, subscriptions } = this.#parts
    if (config.groupProtocol === 'classic') {
      throw new UnsupportedOperationException(
        'subscribing to a SubscriptionPattern is not supported with group.protocol=classic: give a RegExp, or set ' +
          'group.protocol=consumer',
      )
    }
    if (pattern.pattern === '') throw new IllegalArgumentException('topic pattern to subscribe to cannot be empty')
    subscriptions.subscribeRe2jPattern(pattern, listener)
    membership.onSubscriptionUpdated()
  }
}

/** The group that calls need. @throws InvalidGroupIdException without `group.id` */
export function groupMembershipOf<K, V>({ membership }: ConsumerParts<K, V>): GroupMembership {
  if (membership !== undefined) return membership
  throw new InvalidGroupIdException(
    'to use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration',
  )
}
