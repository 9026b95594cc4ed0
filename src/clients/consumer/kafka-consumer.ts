import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { partitionKey } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ConfigValues } from '../abstract-config.ts'
import type { KafkaMetric } from '../client-metrics.ts'
import { IllegalArgumentException, IllegalStateException, KafkaError } from '../errors.ts'
import type { PartitionInfo } from '../metadata-snapshot.ts'
import type { Deserializer } from '../serialization.ts'
import { TopicPartitionMap } from '../topic-partition-map.ts'
import { EARLIEST, LATEST } from './auto-offset-reset-strategy.ts'
import { ConsumerCommits } from './consumer-commits.ts'
import type { ConsumerGroupMetadata } from './consumer-group-metadata.ts'
import type { ConsumerInterceptor } from './consumer-interceptor.ts'
import type { ConsumerPartitionAssignor } from './consumer-partition-assignor.ts'
import { type ConsumerParts, createConsumerParts } from './consumer-parts.ts'
import { ConsumerPoller } from './consumer-poller.ts'
import { ConsumerPositions } from './consumer-positions.ts'
import type { ConsumerRebalanceListener } from './consumer-rebalance-listener.ts'
import { ConsumerRecords } from './consumer-record.ts'
import { ConsumerSubscriber, groupMembershipOf } from './consumer-subscriber.ts'
import type { GroupMembershipOperation } from './group-membership.ts'
import type { OffsetAndMetadata, OffsetAndTimestamp } from './offset-and-metadata.ts'
import type { OffsetCommitCallback } from './offset-committer.ts'
import { SingleCaller } from './single-caller.ts'
import type { SubscriptionPattern } from './subscription-pattern.ts'
import { Timer } from './timer.ts'

/** How long `close` may take by default. */
const DEFAULT_CLOSE_TIMEOUT_MS = 30_000

export interface KafkaConsumerOptions<K, V> {
  readonly keyDeserializer: Deserializer<K>
  readonly valueDeserializer: Deserializer<V>
  readonly interceptors?: readonly ConsumerInterceptor<K, V>[]
  /** Instead of those that `partition.assignment.strategy` names. */
  readonly assignors?: readonly ConsumerPartitionAssignor[]
  /** Hears of configuration keys that mean nothing, and of errors of interceptors. */
  readonly onWarning?: (message: string) => void
}

export interface CloseOptions {
  /** Default 30,000. */
  readonly timeoutMs?: number
  /** Default `DEFAULT`. */
  readonly groupMembershipOperation?: GroupMembershipOperation
}

/**
 * A consumer with the semantics of the Java client (org.apache.kafka.clients.consumer.KafkaConsumer), with either protocol
 * of groups: `group.protocol` is `classic` or `consumer` (KIP-848).
 *
 * It takes one call at a time, and most of its work is done within `poll`; only `wakeup` may be called during another call.
 * Callbacks run within calls and may make calls themselves. Times are in milliseconds. Calls that wait end with
 * `TimeoutException` after `default.api.timeout.ms` unless they are given a timeout, and with `WakeupException` when `wakeup`
 * is called.
 */
export class KafkaConsumer<K, V> {
  readonly #runtime: Runtime
  readonly #parts: ConsumerParts<K, V>
  readonly #poller: ConsumerPoller<K, V>
  readonly #commits: ConsumerCommits<K, V>
  readonly #positions: ConsumerPositions<K, V>
  readonly #subscriber: ConsumerSubscriber<K, V>
  readonly #caller = new SingleCaller()
  #closed = false

  /**
   * @param config by Kafka's keys, see `ConsumerConfig`
   * @throws ConfigException for a configuration that cannot be
   */
  constructor(runtime: Runtime, config: ConfigValues, options: KafkaConsumerOptions<K, V>) {
    this.#runtime = runtime
    this.#parts = createConsumerParts(runtime, config, options, body => this.#caller.callback(body))
    this.#poller = new ConsumerPoller(runtime, this.#parts)
    this.#commits = new ConsumerCommits(runtime, this.#parts)
    this.#positions = new ConsumerPositions(this.#parts, this.#poller)
    this.#subscriber = new ConsumerSubscriber(this.#parts)
  }

  /** The partitions that are assigned now. */
  assignment(): TopicPartition[] {
    return this.#sync(() => this.#parts.subscriptions.assignedPartitions())
  }

  /** The topics that are subscribed to; empty with `assign`. */
  subscription(): string[] {
    return this.#sync(() => [...this.#parts.subscriptions.subscription])
  }

  /**
   * Subscribes to topics, or to all whose whole name matches a pattern; the group assigns their partitions in the next polls.
   * Replaces the subscription before; an empty list is `unsubscribe`.
   *
   * @param topics a `SubscriptionPattern` is looked for by the group's coordinator, with the consumer protocol only
   * @throws InvalidGroupIdException without `group.id`; IllegalStateException after `assign`;
   *   UnsupportedOperationException for a `SubscriptionPattern` with the classic protocol
   */
  subscribe(
    topics: readonly string[] | RegExp | SubscriptionPattern,
    listener?: ConsumerRebalanceListener,
  ): Promise<void> {
    return this.#call(() => this.#subscriber.subscribe(topics, listener))
  }

  /** Reads these partitions, without the group's assignment. Replaces the assignment before; an empty one is `unsubscribe`. */
  assign(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#call(() => this.#subscriber.assign(partitions))
  }

  /** Gives up subscription and assignment. */
  unsubscribe(): Promise<void> {
    return this.#call(() => this.#subscriber.unsubscribe())
  }

  /**
   * The next records, or none when nothing came within `timeoutMs`. All background work is done in here: joining the group,
   * looking for positions, commits, callbacks.
   *
   * @throws NoOffsetForPartitionException, OffsetOutOfRangeException, LogTruncationException when there is no position and
   *   `auto.offset.reset` is `none`
   * @throws RecordDeserializationException, KafkaError for a record that cannot be read: seek past it to go on
   * @throws IllegalStateException without subscription and assignment
   */
  poll(timeoutMs: number): Promise<ConsumerRecords<K, V>> {
    return this.#call(async () => {
      const { interceptors, metrics, subscriptions } = this.#parts
      metrics.recordPollStart()
      try {
        if (subscriptions.hasNoSubscriptionOrUserAssignment) {
          throw new IllegalStateException('consumer is not subscribed to any topics or assigned any partitions')
        }
        const fetch = await this.#poller.poll(new Timer(this.#runtime, timeoutMs))
        if (fetch === undefined) return new ConsumerRecords<K, V>()
        const records = new ConsumerRecords(fetch.records, fetch.nextOffsets)
        return interceptors.transform('onConsume', records, (interceptor, now) => interceptor.onConsume?.(now) ?? now)
      } finally {
        metrics.recordPollEnd()
      }
    })
  }

  /**
   * Commits offsets; by default the positions of all assigned partitions. Waits for the answer, and tries again while that
   * can help.
   *
   * @throws CommitFailedException when the group has gone on without this member
   * @throws RebalanceInProgressException when another rebalance is going on: poll, then commit again
   * @throws TimeoutException, KafkaError
   */
  commitSync(offsets?: Iterable<readonly [TopicPartition, OffsetAndMetadata]>, timeoutMs?: number): Promise<void> {
    return this.#call(() => this.#commits.commitSync(offsets, this.#timer(timeoutMs)))
  }

  /**
   * As `commitSync`, without waiting for the answer and without trying again; the callback runs within a later call. Callbacks
   * run in the order in which the commits ended, and before `commitSync` returns.
   */
  commitAsync(
    offsets?: Iterable<readonly [TopicPartition, OffsetAndMetadata]>,
    callback?: OffsetCommitCallback,
  ): Promise<void> {
    return this.#call(() => this.#commits.commitAsync(offsets, callback))
  }

  /** What the group has committed; undefined for partitions of which nothing is. @throws TimeoutException, KafkaError */
  committed(
    partitions: readonly TopicPartition[],
    timeoutMs?: number,
  ): Promise<TopicPartitionMap<OffsetAndMetadata | undefined>> {
    return this.#call(() => this.#commits.committed(partitions, this.#timer(timeoutMs)))
  }

  /** This consumer's place in its group. @throws InvalidGroupIdException without `group.id` */
  groupMetadata(): ConsumerGroupMetadata {
    return this.#sync(() => groupMembershipOf(this.#parts).groupMetadata)
  }

  /**
   * Lets the group rebalance with the next poll. The consumer protocol knows no such thing: there it does nothing.
   *
   * @throws IllegalStateException without `group.id`
   */
  enforceRebalance(reason = 'rebalance enforced by user'): void {
    this.#sync(() => {
      const { membership } = this.#parts
      if (membership === undefined) {
        throw new IllegalStateException('tried to force a rebalance but consumer does not have a group')
      }
      membership.enforceRebalance(reason)
    })
  }

  /** The next poll reads from there, without asking whether it is in the log. @throws IllegalStateException when not assigned */
  seek(partition: TopicPartition, to: number | OffsetAndMetadata): void {
    this.#sync(() => this.#positions.seek(partition, typeof to === 'number' ? { offset: to } : to))
  }

  /** The next `poll` or `position` looks for the start of these partitions; none given: of all that are assigned. */
  seekToBeginning(partitions: readonly TopicPartition[]): void {
    this.#sync(() => this.#positions.seekTo(partitions, EARLIEST))
  }

  /** As `seekToBeginning`, for the end. */
  seekToEnd(partitions: readonly TopicPartition[]): void {
    this.#sync(() => this.#positions.seekTo(partitions, LATEST))
  }

  /** The offset of the next record to read. @throws IllegalStateException when not assigned; TimeoutException */
  position(partition: TopicPartition, timeoutMs?: number): Promise<number> {
    return this.#call(() => this.#positions.position(partition, this.#timer(timeoutMs)))
  }

  /** Polls bring nothing of these partitions until `resume`. */
  pause(partitions: readonly TopicPartition[]): void {
    this.#sync(() => {
      for (const partition of partitions) this.#parts.subscriptions.state(partition).paused = true
    })
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#sync(() => {
      for (const partition of partitions) this.#parts.subscriptions.state(partition).paused = false
    })
  }

  paused(): TopicPartition[] {
    return this.#sync(() => this.#parts.subscriptions.pausedPartitions())
  }

  /** For each partition the first offset whose record is not older; undefined where there is none. */
  offsetsForTimes(
    timestamps: Iterable<readonly [TopicPartition, number]>,
    timeoutMs?: number,
  ): Promise<TopicPartitionMap<OffsetAndTimestamp | undefined>> {
    return this.#call(() => {
      const toSearch = new TopicPartitionMap(timestamps)
      for (const [partition, timestamp] of toSearch) {
        if (timestamp >= 0) continue
        throw new IllegalArgumentException(
          `the target time for ${partitionKey(partition)} is ${timestamp}, less than 0`,
        )
      }
      return this.#parts.offsetFetcher.offsetsForTimes(toSearch, this.#timer(timeoutMs))
    })
  }

  beginningOffsets(partitions: readonly TopicPartition[], timeoutMs?: number): Promise<TopicPartitionMap<number>> {
    return this.#call(() => this.#parts.offsetFetcher.beginningOffsets(partitions, this.#timer(timeoutMs)))
  }

  /** The ends of logs as far as they can be read: high watermarks, or last stable offsets with `read_committed`. */
  endOffsets(partitions: readonly TopicPartition[], timeoutMs?: number): Promise<TopicPartitionMap<number>> {
    return this.#call(() => this.#parts.offsetFetcher.endOffsets(partitions, this.#timer(timeoutMs)))
  }

  /** Records that are left to read, as far as is known; undefined: not known yet, and asked for. */
  currentLag(partition: TopicPartition): number | undefined {
    return this.#sync(() => this.#positions.currentLag(partition))
  }

  /** The partitions of a topic; empty when there is no such topic. */
  partitionsFor(topic: string, timeoutMs?: number): Promise<PartitionInfo[]> {
    return this.#call(async () => {
      const { metadata, topicMetadataFetcher } = this.#parts
      const known = metadata.fetch().partitionsForTopic(topic)
      if (known.length > 0) return known
      const topics = await topicMetadataFetcher.fetch(topic, metadata.allowAutoTopicCreation, this.#timer(timeoutMs))
      return topics.get(topic) ?? []
    })
  }

  /** All topics and their partitions. */
  listTopics(timeoutMs?: number): Promise<Map<string, PartitionInfo[]>> {
    return this.#call(() => this.#parts.topicMetadataFetcher.fetch(undefined, true, this.#timer(timeoutMs)))
  }

  /** By the names of the Java client. */
  metrics(): KafkaMetric[] {
    return this.#parts.metrics.registry.all()
  }

  /** Lets a call that waits, or the next one, end with `WakeupException`. */
  wakeup(): void {
    this.#parts.client.wakeup()
  }

  /** Commits if that is automatic, leaves the group, ends fetch sessions and closes connections. Idempotent. */
  async close(options: CloseOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS, groupMembershipOperation = 'DEFAULT' } = options
    if (timeoutMs < 0) throw new IllegalArgumentException('the timeout cannot be negative')
    await this.#caller.run(async () => {
      if (this.#closed) return
      try {
        await this.#close(timeoutMs, groupMembershipOperation)
      } finally {
        // Only now: the listener may commit while the consumer leaves its group.
        this.#closed = true
      }
    })
  }

  /** Closes everything, whatever goes wrong; then throws what went wrong first. */
  async #close(timeoutMs: number, operation: GroupMembershipOperation): Promise<void> {
    const { client, deserializers, fetcher, interceptors, membership, requestTimeoutMs } = this.#parts
    const whole = new Timer(this.#runtime, timeoutMs)
    const timer = new Timer(this.#runtime, Math.min(timeoutMs, requestTimeoutMs))
    const errors: unknown[] = []
    const collect = (error: unknown): void => {
      errors.push(error)
    }
    await membership?.close(timer, operation).catch(collect)
    timer.reset(Math.min(whole.remainingMs, requestTimeoutMs))
    await fetcher.close(timer).catch(collect)
    interceptors.close()
    client.close()
    deserializers.key.close?.()
    deserializers.value.close?.()
    if (errors.length > 0) throw new KafkaError('failed to close kafka consumer', { cause: errors[0] })
  }

  #timer(timeoutMs: number = this.#parts.defaultApiTimeoutMs): Timer {
    return new Timer(this.#runtime, timeoutMs)
  }

  #call<T>(body: () => Promise<T>): Promise<T> {
    return this.#caller.run(() => {
      this.#ensureOpen()
      return body()
    })
  }

  #sync<T>(body: () => T): T {
    return this.#caller.runSync(() => {
      this.#ensureOpen()
      return body()
    })
  }

  #ensureOpen(): void {
    if (this.#closed) throw new IllegalStateException('this consumer has already been closed')
  }
}
