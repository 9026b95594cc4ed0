import { ListOffsets, type ListOffsetsRequest, ListOffsetsTimestamp } from '../../protocol/apis/list-offsets.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { TimeoutException } from '../errors.ts'
import type { Node } from '../node.ts'
import { TopicPartitionMap, TopicPartitionSet } from '../topic-partition-map.ts'
import { type AutoOffsetResetStrategy, resetTimestamp } from './auto-offset-reset-strategy.ts'
import { NoOffsetForPartitionException, StaleMetadataException } from './consumer-errors.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { ConsumerNetworkClient } from './consumer-network-client.ts'
import { type ListOffsetData, type ListOffsetResult, listOffsetResult } from './list-offsets-result.ts'
import type { OffsetAndTimestamp } from './offset-and-metadata.ts'
import { partitionsByTopic } from './partitions-by-topic.ts'
import { isRetriable, RequestFuture } from './request-future.ts'
import type { IsolationLevel, SubscriptionState } from './subscription-state.ts'
import type { Timer } from './timer.ts'

/** The first versions that can be asked under read committed, and with times in the answer. */
const OLDEST_VERSION_READ_COMMITTED = 2

export interface OffsetFetcherOptions {
  readonly client: ConsumerNetworkClient
  readonly metadata: ConsumerMetadata
  readonly subscriptions: SubscriptionState
  readonly retryBackoffMs: number
  readonly requestTimeoutMs: number
  readonly isolationLevel: IsolationLevel
}

interface NodeTimestamps {
  readonly node: Node
  readonly timestamps: TopicPartitionMap<number>
}

/** Looks for offsets by time, and resets positions (Kafka's OffsetFetcher). */
export class OffsetFetcher {
  readonly #runtime: Runtime
  readonly #options: OffsetFetcherOptions
  #resetError: Error | undefined

  constructor(runtime: Runtime, options: OffsetFetcherOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /**
   * Asks for the offsets of partitions that are to be reset; the answers move them.
   *
   * @throws NoOffsetForPartitionException for one whose strategy is `none`; KafkaError that an earlier answer came to
   */
  resetPositionsIfNeeded(): void {
    const error = this.#resetError
    this.#resetError = undefined
    if (error !== undefined) throw error
    const { subscriptions, requestTimeoutMs } = this.#options
    const strategies = new TopicPartitionMap<AutoOffsetResetStrategy>()
    const timestamps = new TopicPartitionMap<number>()
    for (const partition of subscriptions.partitionsNeedingReset(this.#nowMs())) {
      const strategy = subscriptions.state(partition).resetStrategy
      const timestamp = strategy === undefined ? undefined : resetTimestamp(strategy, this.#runtime.clock.wallMs())
      if (strategy === undefined || timestamp === undefined) throw new NoOffsetForPartitionException([partition])
      strategies.set(partition, strategy)
      timestamps.set(partition, timestamp)
    }
    for (const { node, timestamps: ofNode } of this.#groupByLeader(timestamps, new TopicPartitionSet())) {
      subscriptions.setNextAllowedRetry(ofNode.keys(), this.#nowMs() + requestTimeoutMs)
      this.#send(node, ofNode).addListener({
        onSuccess: result => this.#resetPositions(result, strategies),
        onFailure: error => this.#resetFailed(ofNode, error),
      })
    }
  }

  /**
   * The first offset whose record is not older, for each partition; undefined where there is none.
   *
   * @throws TimeoutException, KafkaError
   */
  async offsetsForTimes(
    timestamps: TopicPartitionMap<number>,
    timer: Timer,
  ): Promise<TopicPartitionMap<OffsetAndTimestamp | undefined>> {
    const found = await this.#withTransientTopics(timestamps.keys(), () => this.#fetchOffsets(timestamps, timer))
    return new TopicPartitionMap(timestamps.keys().map(partition => [partition, found.get(partition)] as const))
  }

  /** The start of each partition's log. Errors as above. */
  beginningOffsets(partitions: Iterable<TopicPartition>, timer: Timer): Promise<TopicPartitionMap<number>> {
    return this.#beginningOrEnd(partitions, ListOffsetsTimestamp.EARLIEST, timer)
  }

  /** The end of each partition's log, as far as the isolation level lets it be read. Errors as above. */
  endOffsets(partitions: Iterable<TopicPartition>, timer: Timer): Promise<TopicPartitionMap<number>> {
    return this.#beginningOrEnd(partitions, ListOffsetsTimestamp.LATEST, timer)
  }

  /** Asks for the end of a partition without waiting: its state will know. */
  requestEndOffset(partition: TopicPartition): void {
    const timestamps = new TopicPartitionMap([[partition, ListOffsetsTimestamp.LATEST]])
    this.#sendAll(timestamps).addListener({ onSuccess: result => this.#updateSubscriptionState(result) })
  }

  async #beginningOrEnd(
    partitions: Iterable<TopicPartition>,
    timestamp: number,
    timer: Timer,
  ): Promise<TopicPartitionMap<number>> {
    const timestamps = new TopicPartitionMap([...partitions].map(partition => [partition, timestamp] as const))
    const found = await this.#withTransientTopics(timestamps.keys(), () => this.#fetchOffsets(timestamps, timer))
    return new TopicPartitionMap([...found].map(([partition, { offset }]) => [partition, offset] as const))
  }

  async #withTransientTopics<T>(partitions: readonly TopicPartition[], body: () => Promise<T>): Promise<T> {
    const { metadata } = this.#options
    metadata.addTransientTopics(partitions.map(({ topic }) => topic))
    try {
      return await body()
    } finally {
      metadata.clearTransientTopics()
    }
  }

  async #fetchOffsets(timestamps: TopicPartitionMap<number>, timer: Timer): Promise<TopicPartitionMap<ListOffsetData>> {
    const { client } = this.#options
    const found = new TopicPartitionMap<ListOffsetData>()
    let remaining = timestamps
    if (remaining.size === 0) return found
    do {
      const future = this.#sendAll(remaining)
      await client.pollUntilDone(future, timer)
      if (!future.isDone) break
      if (future.succeeded) {
        const { fetchedOffsets, partitionsToRetry } = future.value
        for (const [partition, data] of fetchedOffsets) found.set(partition, data)
        remaining = new TopicPartitionMap([...remaining].filter(([partition]) => partitionsToRetry.has(partition)))
        this.#updateSubscriptionState(future.value)
      } else if (!future.isRetriable) {
        throw future.exception
      }
      if (remaining.size === 0) return found
      await client.awaitMetadataUpdate(timer)
    } while (timer.notExpired)
    throw new TimeoutException(`failed to get offsets by times in ${Math.floor(timer.elapsedMs)}ms`)
  }

  /** A request to each leader, and one future for all of them. */
  #sendAll(timestamps: TopicPartitionMap<number>): RequestFuture<ListOffsetResult> {
    const partitionsToRetry = new TopicPartitionSet()
    const requests = this.#groupByLeader(timestamps, partitionsToRetry)
    if (requests.length === 0) return RequestFuture.failure(new StaleMetadataException())
    const all = new RequestFuture<ListOffsetResult>()
    const fetchedOffsets = new TopicPartitionMap<ListOffsetData>()
    let remaining = requests.length
    for (const { node, timestamps: ofNode } of requests) {
      this.#send(node, ofNode).addListener({
        onSuccess: result => {
          for (const [partition, data] of result.fetchedOffsets) fetchedOffsets.set(partition, data)
          for (const partition of result.partitionsToRetry) partitionsToRetry.add(partition)
          if (--remaining === 0 && !all.isDone) all.complete({ fetchedOffsets, partitionsToRetry })
        },
        onFailure: error => {
          if (!all.isDone) all.raise(error)
        },
      })
    }
    return all
  }

  #groupByLeader(timestamps: TopicPartitionMap<number>, partitionsToRetry: TopicPartitionSet): NodeTimestamps[] {
    const { client, metadata } = this.#options
    const byNode = new Map<number, NodeTimestamps>()
    for (const [partition, timestamp] of timestamps) {
      const { leader } = metadata.currentLeader(partition)
      if (leader === undefined) metadata.requestUpdate(true)
      if (leader === undefined || client.isUnavailable(leader)) {
        partitionsToRetry.add(partition)
        continue
      }
      const ofNode = byNode.get(leader.id) ?? { node: leader, timestamps: new TopicPartitionMap() }
      byNode.set(leader.id, ofNode)
      ofNode.timestamps.set(partition, timestamp)
    }
    return [...byNode.values()]
  }

  #send(node: Node, timestamps: TopicPartitionMap<number>): RequestFuture<ListOffsetResult> {
    const { client, isolationLevel } = this.#options
    const isReadCommitted = isolationLevel === 'read_committed'
    return client
      .send(node, {
        api: ListOffsets,
        body: this.#requestBody(timestamps),
        ...(isReadCommitted ? { oldestVersion: OLDEST_VERSION_READ_COMMITTED } : {}),
      })
      .compose(({ body }, future) => future.complete(listOffsetResult(body)))
  }

  #requestBody(timestamps: TopicPartitionMap<number>): MessageInput<typeof ListOffsetsRequest> {
    const { metadata, isolationLevel, requestTimeoutMs } = this.#options
    return {
      isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
      topics: partitionsByTopic(timestamps.keys()).map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(partition => ({
          partitionIndex: partition,
          currentLeaderEpoch: metadata.currentLeader({ topic, partition }).epoch ?? -1,
          timestamp: timestamps.get({ topic, partition }) ?? ListOffsetsTimestamp.LATEST,
        })),
      })),
      timeoutMs: requestTimeoutMs,
    }
  }

  #resetPositions(result: ListOffsetResult, strategies: TopicPartitionMap<AutoOffsetResetStrategy>): void {
    const { metadata, subscriptions, retryBackoffMs } = this.#options
    const { fetchedOffsets, partitionsToRetry } = result
    if (partitionsToRetry.size > 0) {
      subscriptions.setNextAllowedRetry(partitionsToRetry, this.#nowMs() + retryBackoffMs)
      metadata.requestUpdate(false)
    }
    for (const [partition, { offset, leaderEpoch }] of fetchedOffsets) {
      const strategy = strategies.get(partition)
      if (strategy === undefined) continue
      // Without an epoch the position needs no validation.
      const position = { offset, offsetEpoch: undefined, currentLeader: metadata.currentLeader(partition) }
      if (leaderEpoch !== undefined) metadata.updateLastSeenEpochIfNewer(partition, leaderEpoch)
      subscriptions.maybeSeekUnvalidated(partition, position, strategy)
    }
  }

  #resetFailed(timestamps: TopicPartitionMap<number>, error: Error): void {
    const { metadata, subscriptions, retryBackoffMs } = this.#options
    subscriptions.setNextAllowedRetry(timestamps.keys(), this.#nowMs() + retryBackoffMs)
    metadata.requestUpdate(false)
    if (!isRetriable(error)) this.#resetError ??= error
  }

  #updateSubscriptionState({ fetchedOffsets }: ListOffsetResult): void {
    const { subscriptions, isolationLevel } = this.#options
    for (const [partition, { offset }] of fetchedOffsets) {
      const state = subscriptions.stateOrUndefined(partition)
      if (state === undefined) continue
      if (isolationLevel === 'read_committed') state.lastStableOffset = offset
      else state.highWatermark = offset
    }
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }
}
