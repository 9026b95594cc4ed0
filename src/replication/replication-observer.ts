import type { TopicPartition } from '../protocol/topic-partition.ts'

/** Watches the replicas of a broker, for tests and checkers. Called synchronously; must not throw. */
export interface ReplicationObserver {
  /** This broker leads from now on in `leaderEpoch`; its log ended at `logEndOffset` then, and it begins with `highWatermark`. */
  onBecameLeader?(partition: TopicPartition, leaderEpoch: number, logEndOffset: number, highWatermark: number): void
  /** `leaderId` is -1 while nobody leads; the replica's log ended at `logEndOffset` then. */
  onBecameFollower?(partition: TopicPartition, leaderEpoch: number, leaderId: number, logEndOffset: number): void
  /** The copy of a replica that is not assigned to this broker is about to go: its process may end before `onDeleted`. */
  onDeleting?(partition: TopicPartition): void
  /** This broker holds no copy any more: the replica is not assigned to it. */
  onDeleted?(partition: TopicPartition): void
  /** Records were appended as the leader: offsets `baseOffset` to `lastOffset`. */
  onLeaderAppend?(partition: TopicPartition, leaderEpoch: number, baseOffset: number, lastOffset: number): void
  /** Records were appended as fetched from the leader. */
  onFollowerAppend?(partition: TopicPartition, leaderEpoch: number, baseOffset: number, lastOffset: number): void
  /** A follower is about to cut its log to `toOffset`, which takes time: its process may end before `onTruncated`. */
  onTruncating?(partition: TopicPartition, toOffset: number, highWatermark: number): void
  /** A follower cut its log to `toOffset`; its own high watermark stood at `highWatermark`. */
  onTruncated?(partition: TopicPartition, toOffset: number, highWatermark: number): void
  /**
   * A follower fetches this partition no more until there is news of its leader. `cause` is an `ApiError` unless something went
   * wrong that nobody has thought of.
   */
  onFetchingFailed?(partition: TopicPartition, cause: unknown): void
  onHighWatermark?(partition: TopicPartition, highWatermark: number, isLeader: boolean): void
  /** The leader has asked the controller for this ISR. */
  onIsrProposed?(partition: TopicPartition, isr: readonly number[]): void
  /** The ISR as committed by the controller. */
  onIsrCommitted?(partition: TopicPartition, isr: readonly number[], partitionEpoch: number): void
}
