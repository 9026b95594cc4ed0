import { ErrorCode, errorCodeOf, errorName } from '../../protocol/errors.ts'
import { partitionKey } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { IllegalStateException, KafkaError, TopicAuthorizationException } from '../errors.ts'
import type { Metadata } from '../metadata.ts'
import { TopicPartitionMap } from '../topic-partition-map.ts'
import type { CompletedFetch } from './completed-fetch.ts'
import { OffsetOutOfRangeException } from './consumer-errors.ts'
import type { ConsumerMetrics } from './consumer-metrics.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { FetchBuffer } from './fetch-buffer.ts'
import type { Deserializers, FetchConfig } from './fetch-config.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import type { SubscriptionState } from './subscription-state.ts'

/** Records that were taken, and where their partitions go on (Kafka's Fetch). */
export interface CollectedFetch<K, V> {
  readonly records: TopicPartitionMap<readonly ConsumerRecord<K, V>[]>
  readonly nextOffsets: TopicPartitionMap<OffsetAndMetadata>
  /** Whether a position moved, with records or over what applications do not see (control records, compacted ones). */
  readonly isEmpty: boolean
}

export interface FetchCollectorOptions<K, V> {
  readonly metadata: Metadata
  readonly subscriptions: SubscriptionState
  readonly config: FetchConfig
  readonly deserializers: Deserializers<K, V>
  readonly metrics: ConsumerMetrics
}

/** Takes records out of the buffer, moves the positions, and handles the errors of partitions (Kafka's FetchCollector). */
export class FetchCollector<K, V> {
  readonly #runtime: Runtime
  readonly #options: FetchCollectorOptions<K, V>

  constructor(runtime: Runtime, options: FetchCollectorOptions<K, V>) {
    this.#runtime = runtime
    this.#options = options
  }

  /**
   * At most `max.poll.records` records. An error comes only when there are no records before it; otherwise it waits for the
   * next call.
   */
  collectFetch(buffer: FetchBuffer): CollectedFetch<K, V> {
    const { config, subscriptions } = this.#options
    const collected = new Collected<K, V>()
    const paused: CompletedFetch[] = []
    try {
      while (collected.count < config.maxPollRecords) {
        const next = buffer.nextInLine
        if (next === undefined || next.isConsumed) {
          if (!this.#takeNext(buffer, collected.isEmpty)) break
        } else if (subscriptions.stateOrUndefined(next.partition)?.paused === true) {
          // Kept for when the partition is resumed.
          paused.push(next)
          buffer.nextInLine = undefined
        } else {
          this.#fetchRecords(next, config.maxPollRecords - collected.count, collected)
        }
      }
    } catch (error) {
      // What was collected must not be lost: the error comes again in the next call.
      if (collected.isEmpty) throw error
    } finally {
      buffer.add(...paused)
    }
    return collected
  }

  /** Makes the oldest fetch the one to take from; false when there is none. */
  #takeNext(buffer: FetchBuffer, isFirst: boolean): boolean {
    const fetch = buffer.peek()
    if (fetch === undefined) return false
    if (fetch.isInitialized) {
      buffer.nextInLine = fetch
    } else {
      try {
        buffer.nextInLine = this.#initialize(fetch)
      } catch (error) {
        // A partition's error is told once. A fetch with records stays, so that none of them is lost.
        if (isFirst && fetch.sizeInBytes === 0) buffer.poll()
        throw error
      }
    }
    buffer.poll()
    return true
  }

  #fetchRecords(fetch: CompletedFetch, maxRecords: number, collected: Collected<K, V>): void {
    const { subscriptions, config, deserializers, metrics } = this.#options
    const { partition } = fetch
    const state = subscriptions.stateOrUndefined(partition)
    const position = state?.position
    const isNext = position !== undefined && fetch.nextFetchOffset === position.offset
    if (state === undefined || !subscriptions.isFetchable(partition) || !isNext) {
      // The partition was given away, is being reset, or somebody has sought elsewhere.
      fetch.drain()
      return
    }
    const records = fetch.fetchRecords<K, V>(config, deserializers, maxRecords)
    const hasAdvanced = fetch.nextFetchOffset > position.offset
    if (hasAdvanced) {
      const { nextFetchOffset: offset, lastEpoch: offsetEpoch } = fetch
      state.advance({ offset, offsetEpoch, currentLeader: position.currentLeader })
    }
    metrics.recordPartitionLag(partition, subscriptions.partitionLag(partition, config.isolationLevel))
    metrics.recordPartitionLead(partition, subscriptions.partitionLead(partition))
    if (hasAdvanced || records.length > 0) collected.add(fetch, records)
  }

  /** Undefined when there is nothing to take. */
  #initialize(fetch: CompletedFetch): CompletedFetch | undefined {
    const { subscriptions } = this.#options
    const { partition, data } = fetch
    const error = errorCodeOf(data.errorCode)
    let initialized: CompletedFetch | undefined
    try {
      // A rebalance may have taken the partition while the fetch was under way.
      if (subscriptions.stateOrUndefined(partition)?.hasValidPosition !== true) return undefined
      if (error === ErrorCode.NONE) initialized = this.#handleSuccess(fetch)
      else this.#handleError(fetch, error)
      return initialized
    } finally {
      if (initialized === undefined) fetch.drain()
      // So partitions of one topic are more likely to stay together in requests.
      if (error !== ErrorCode.NONE) subscriptions.movePartitionToEnd(partition)
    }
  }

  #handleSuccess(fetch: CompletedFetch): CompletedFetch | undefined {
    const { metadata, subscriptions } = this.#options
    const { partition, data } = fetch
    const state = subscriptions.stateOrUndefined(partition)
    if (state?.position?.offset !== fetch.nextFetchOffset) return undefined
    if (fetch.sizeInBytes > 0 && !this.#hasBatches(fetch)) {
      throw new KafkaError(
        `failed to make progress reading messages at ${partitionKey(partition)}=${fetch.nextFetchOffset}: received a ` +
          'non-empty fetch response from the server, but no complete records were found',
      )
    }
    if (data.highWatermark >= 0) state.highWatermark = data.highWatermark
    if (data.logStartOffset >= 0) state.logStartOffset = data.logStartOffset
    if (data.lastStableOffset >= 0) state.lastStableOffset = data.lastStableOffset
    if (data.preferredReadReplica >= 0) {
      const expiresMs = this.#runtime.clock.monotonicMs() + metadata.metadataMaxAgeMs
      state.updatePreferredReadReplica(data.preferredReadReplica, expiresMs)
    }
    fetch.isInitialized = true
    return fetch
  }

  #hasBatches(fetch: CompletedFetch): boolean {
    try {
      return fetch.hasBatches()
    } catch (cause) {
      const place = `${partitionKey(fetch.partition)}=${fetch.nextFetchOffset}`
      throw new KafkaError(`what was fetched at ${place} begins with no record batch`, { cause })
    }
  }

  #handleError(fetch: CompletedFetch, error: ErrorCode): void {
    const { metadata, subscriptions } = this.#options
    const { partition } = fetch
    switch (error) {
      case ErrorCode.NOT_LEADER_OR_FOLLOWER:
      case ErrorCode.REPLICA_NOT_AVAILABLE:
      case ErrorCode.KAFKA_STORAGE_ERROR:
      case ErrorCode.FENCED_LEADER_EPOCH:
      case ErrorCode.OFFSET_NOT_AVAILABLE:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.INCONSISTENT_TOPIC_ID:
        metadata.requestUpdate(false)
        subscriptions.stateOrUndefined(partition)?.clearPreferredReadReplica()
        return
      case ErrorCode.OFFSET_OUT_OF_RANGE:
        this.#handleOutOfRange(fetch)
        return
      case ErrorCode.TOPIC_AUTHORIZATION_FAILED:
        throw new TopicAuthorizationException([partition.topic])
      case ErrorCode.UNKNOWN_LEADER_EPOCH:
      case ErrorCode.UNKNOWN_SERVER_ERROR:
        return
      case ErrorCode.CORRUPT_MESSAGE:
        throw new KafkaError(
          `encountered corrupt message when fetching offset ${fetch.nextFetchOffset} for ${partitionKey(partition)}`,
        )
      default:
        throw new IllegalStateException(
          `unexpected error ${errorName(error)} while fetching at offset ${fetch.nextFetchOffset} from ${partitionKey(partition)}`,
        )
    }
  }

  #handleOutOfRange({ partition, nextFetchOffset }: CompletedFetch): void {
    const { subscriptions } = this.#options
    const state = subscriptions.stateOrUndefined(partition)
    // A follower may be behind: the leader is asked first.
    if (state === undefined || state.clearPreferredReadReplica() !== undefined) return
    if (state.position?.offset !== nextFetchOffset) return
    if (subscriptions.hasDefaultOffsetResetPolicy) {
      subscriptions.requestOffsetReset(partition)
      return
    }
    throw new OffsetOutOfRangeException(
      `fetch position ${nextFetchOffset} is out of range for partition ${partitionKey(partition)}`,
      new TopicPartitionMap([[partition, nextFetchOffset]]),
    )
  }
}

class Collected<K, V> implements CollectedFetch<K, V> {
  readonly records = new TopicPartitionMap<ConsumerRecord<K, V>[]>()
  readonly nextOffsets = new TopicPartitionMap<OffsetAndMetadata>()
  count = 0
  isEmpty = true

  add(fetch: CompletedFetch, records: readonly ConsumerRecord<K, V>[]): void {
    this.isEmpty = false
    const { partition, nextFetchOffset: offset, lastEpoch: leaderEpoch } = fetch
    this.nextOffsets.set(partition, { offset, leaderEpoch, metadata: '' })
    if (records.length === 0) return
    this.count += records.length
    const before = this.records.get(partition)
    if (before === undefined) this.records.set(partition, [...records])
    else before.push(...records)
  }
}
