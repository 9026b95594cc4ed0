import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { IllegalArgumentException, IllegalStateException, TimeoutException } from '../errors.ts'
import type { AutoOffsetResetStrategy } from './auto-offset-reset-strategy.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import type { ConsumerPoller } from './consumer-poller.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import type { Timer } from './timer.ts'

/** Where an application reads on, for `KafkaConsumer`. */
export class ConsumerPositions<K, V> {
  readonly #parts: ConsumerParts<K, V>
  readonly #poller: ConsumerPoller<K, V>

  constructor(parts: ConsumerParts<K, V>, poller: ConsumerPoller<K, V>) {
    this.#parts = parts
    this.#poller = poller
  }

  seek(partition: TopicPartition, { offset, leaderEpoch }: OffsetAndMetadata): void {
    if (offset < 0) throw new IllegalArgumentException('seek offset must not be a negative number')
    const { metadata, subscriptions } = this.#parts
    const position = { offset, offsetEpoch: leaderEpoch, currentLeader: metadata.currentLeader(partition) }
    if (leaderEpoch !== undefined) metadata.updateLastSeenEpochIfNewer(partition, leaderEpoch)
    subscriptions.state(partition).seekUnvalidated(position)
  }

  /** With none given: in all that are assigned. */
  seekTo(partitions: readonly TopicPartition[], strategy: AutoOffsetResetStrategy): void {
    const { subscriptions } = this.#parts
    const which = partitions.length === 0 ? subscriptions.assignedPartitions() : partitions
    for (const partition of which) subscriptions.requestOffsetReset(partition, strategy)
  }

  async position(partition: TopicPartition, timer: Timer): Promise<number> {
    const { client, subscriptions } = this.#parts
    if (!subscriptions.isAssigned(partition)) {
      throw new IllegalStateException('you can only check the position for partitions assigned to this consumer')
    }
    do {
      const state = subscriptions.state(partition)
      if (state.hasValidPosition && state.position !== undefined) return state.position.offset
      await this.#poller.updateFetchPositions(timer)
      await client.poll(timer)
    } while (timer.notExpired)
    throw new TimeoutException(
      `timeout of ${timer.timeoutMs}ms expired before the position for ${partitionKey(partition)} could be determined`,
    )
  }

  currentLag(partition: TopicPartition): number | undefined {
    const { config, offsetFetcher, subscriptions } = this.#parts
    const lag = subscriptions.partitionLag(partition, config.isolationLevel)
    const state = subscriptions.state(partition)
    const isEndKnown = subscriptions.partitionEndOffset(partition, config.isolationLevel) !== undefined
    if (lag === undefined && !isEndKnown && !state.endOffsetRequested) {
      state.endOffsetRequested = true
      offsetFetcher.requestEndOffset(partition)
    }
    return lag
  }
}
