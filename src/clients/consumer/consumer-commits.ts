import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { TimeoutException } from '../errors.ts'
import { describePartitions, TopicPartitionMap } from '../topic-partition-map.ts'
import type { ConsumerParts } from './consumer-parts.ts'
import { groupMembershipOf } from './consumer-subscriber.ts'
import type { OffsetAndMetadata } from './offset-and-metadata.ts'
import type { OffsetCommitCallback } from './offset-committer.ts'
import type { CommittedOffsets, Offsets } from './offset-requests.ts'
import type { Timer } from './timer.ts'

type GivenOffsets = Iterable<readonly [TopicPartition, OffsetAndMetadata]> | undefined

/** Commits that an application asks for, for `KafkaConsumer`. */
export class ConsumerCommits<K, V> {
  readonly #runtime: Runtime
  readonly #parts: ConsumerParts<K, V>

  constructor(runtime: Runtime, parts: ConsumerParts<K, V>) {
    this.#runtime = runtime
    this.#parts = parts
  }

  async commitSync(offsets: GivenOffsets, timer: Timer): Promise<void> {
    const { committer } = groupMembershipOf(this.#parts)
    const startMs = this.#runtime.clock.monotonicMs()
    const toCommit = this.#offsetsToCommit(offsets)
    try {
      if (await committer.commitSync(toCommit, timer)) return
    } finally {
      this.#parts.metrics.recordCommitSync(this.#runtime.clock.monotonicMs() - startMs)
    }
    throw new TimeoutException(
      `timeout of ${timer.timeoutMs}ms expired before successfully committing offsets of ${describePartitions(toCommit.keys())}`,
    )
  }

  async commitAsync(offsets: GivenOffsets, callback: OffsetCommitCallback | undefined): Promise<void> {
    await groupMembershipOf(this.#parts).committer.commitAsync(this.#offsetsToCommit(offsets), callback)
  }

  async committed(partitions: readonly TopicPartition[], timer: Timer): Promise<CommittedOffsets> {
    const membership = groupMembershipOf(this.#parts)
    const { metadata, metrics } = this.#parts
    const startMs = this.#runtime.clock.monotonicMs()
    try {
      const offsets = await membership.fetchCommittedOffsets(partitions, timer)
      if (offsets === undefined) {
        throw new TimeoutException(
          `timeout of ${timer.timeoutMs}ms expired before the last committed offset for partitions ` +
            `${describePartitions(partitions)} could be determined`,
        )
      }
      for (const [partition, committed] of offsets) {
        if (committed?.leaderEpoch !== undefined) metadata.updateLastSeenEpochIfNewer(partition, committed.leaderEpoch)
      }
      return offsets
    } finally {
      metrics.recordCommitted(this.#runtime.clock.monotonicMs() - startMs)
    }
  }

  #offsetsToCommit(offsets: GivenOffsets): Offsets {
    const { metadata, subscriptions } = this.#parts
    if (offsets === undefined) return subscriptions.allConsumed()
    const toCommit = new TopicPartitionMap(offsets)
    for (const [partition, { leaderEpoch }] of toCommit) {
      if (leaderEpoch !== undefined) metadata.updateLastSeenEpochIfNewer(partition, leaderEpoch)
    }
    return toCommit
  }
}
