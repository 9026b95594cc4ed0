import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { ConsumerGroupMetadata } from './consumer-group-metadata.ts'
import type { OffsetCommitter } from './offset-committer.ts'
import type { CommittedOffsets } from './offset-requests.ts'
import type { Timer } from './timer.ts'

/**
 * Whether a member leaves its group when it is closed (KIP-1092). `DEFAULT`: dynamic members do; static ones stay until their
 * session ends (with the consumer protocol: they tell that they will be back).
 */
export type GroupMembershipOperation = 'DEFAULT' | 'LEAVE_GROUP' | 'REMAIN_IN_GROUP'

/** A consumer's part in its group, whatever protocol it speaks: membership, assignment, committed offsets. */
export interface GroupMembership {
  readonly committer: OffsetCommitter
  readonly groupMetadata: ConsumerGroupMetadata
  /** Until `poll` has something to do, ms. Throws what must be told the application first. */
  readonly timeToNextPollMs: number
  /** Whether `poll` has something to do at once: nothing else should be waited for. */
  readonly isPollDue: boolean

  /** The application has subscribed to other topics. */
  onSubscriptionUpdated(): void

  /** The application has subscribed to a pattern: looks for topics that match. */
  updatePatternSubscription(): void

  /** Lets the group rebalance with the next poll, where the protocol knows such a thing. */
  enforceRebalance(reason: string): void

  /**
   * Takes part in the group: runs callbacks, commits when it is time. False when it is not done yet: there is nothing to
   * fetch meanwhile.
   *
   * @param waitForJoinGroup false: a join that is under way is not waited for
   * @throws KafkaError
   */
  poll(timer: Timer, waitForJoinGroup: boolean): Promise<boolean>

  /**
   * Sets the positions of new partitions to what is committed. Returns the partitions that were asked for, of which those
   * without a committed offset have no position still; undefined when time ran out.
   */
  initWithCommittedOffsetsIfNeeded(timer: Timer): Promise<readonly TopicPartition[] | undefined>

  /** Undefined when time ran out. @throws KafkaError */
  fetchCommittedOffsets(partitions: readonly TopicPartition[], timer: Timer): Promise<CommittedOffsets | undefined>

  /** The consumer gives its subscription up. */
  unsubscribe(): Promise<void>

  /** Commits if that is automatic, and leaves the group. */
  close(timer: Timer, operation: GroupMembershipOperation): Promise<void>
}
