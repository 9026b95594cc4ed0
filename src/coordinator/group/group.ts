import type { CoordinatorTimer } from '../common/coordinator-timer.ts'
import type { GroupCoordinatorRecord } from './group-coordinator-records.ts'
import type { OffsetExpirationCondition } from './offset-expiration-condition.ts'

/** Kinds of groups, as they are called in ListGroups (KIP-848). */
export type GroupType = 'classic' | 'consumer'

/** A type's name as a client may write it, in upper or lower case; undefined for one that no group here has. */
export function parseGroupType(name: string): GroupType | undefined {
  const lower = name.toLowerCase()
  return lower === 'classic' || lower === 'consumer' ? lower : undefined
}

/** Says whether an offset of one partition may be committed; throws ApiError when not (Kafka's CommitPartitionValidator). */
export type CommitPartitionValidator = (topic: string, topicId: string, partition: number) => void

/** Every partition may be committed. */
export const COMMIT_ANY_PARTITION: CommitPartitionValidator = () => {}

/** What an offset commit says of who commits. */
export interface OffsetCommitter {
  /** Empty: none. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** The generation of a classic group, the member's epoch of a consumer group; -1: none. */
  readonly generationIdOrMemberEpoch: number
  readonly isTransactional: boolean
  /** Of the OffsetCommit or TxnOffsetCommit request. */
  readonly apiVersion: number
}

/** A group in the answer to ListGroups. */
export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly groupState: string
  readonly groupType: GroupType
}

/**
 * What all groups have in common (Kafka's Group). Where a `committedOffset` is asked for, the answer is of the state that
 * was committed at that offset of the group's partition.
 */
export interface Group {
  readonly type: GroupType
  readonly groupId: string
  readonly isEmpty: boolean
  readonly numMembers: number
  /** The state's name, as DescribeGroups shows it: `PreparingRebalance`. */
  stateAsString(committedOffset?: number): string
  asListedGroup(committedOffset: number): ListedGroup
  /** Whether the state is one of these, in lower case. */
  isInStates(lowerCaseStates: ReadonlySet<string>, committedOffset: number): boolean
  hasMember(memberId: string): boolean
  /** @throws ApiError when this committer may not commit now */
  validateOffsetCommit(committer: OffsetCommitter): CommitPartitionValidator
  /** `memberId` null and `memberEpoch` -1: none given; `committedOffset` undefined: by the state now. @throws ApiError */
  validateOffsetFetch(memberId: string | null, memberEpoch: number, committedOffset: number | undefined): void
  /** @throws ApiError */
  validateOffsetDelete(): void
  /** @throws ApiError unless the group may be deleted */
  validateDeleteGroup(): void
  /** Whether members read this topic, so that its offsets must neither be deleted nor expire. */
  isSubscribedToTopic(topic: string): boolean
  /** Adds what must be written to delete the group. */
  createGroupTombstoneRecords(records: GroupCoordinatorRecord[]): void
  /** Cancels what timers the group has. */
  cancelTimers(timer: CoordinatorTimer<GroupCoordinatorRecord>): void
  /** When its offsets expire; undefined: not now. */
  offsetExpirationCondition(): OffsetExpirationCondition | undefined
  /** Whether the group goes away with its last offset. */
  readonly shouldExpire: boolean
}
