import type { OffsetCommitRequest, OffsetCommitResponseInput } from '../../protocol/apis/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponseInput } from '../../protocol/apis/offset-delete.ts'
import type { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/apis/offset-fetch.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import { ZERO_UUID } from '../../protocol/uuid.ts'
import type { Clock } from '../../runtime/runtime.ts'
import type { CoordinatorResult } from '../common/coordinator-result.ts'
import type { SnapshotRegistry } from '../common/snapshot-registry.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import type { CommitPartitionValidator, Group } from './group.ts'
import type { GroupCoordinatorConfig } from './group-coordinator-config.ts'
import type { GroupCoordinatorRecord, OffsetCommitKey, OffsetCommitValue } from './group-coordinator-records.ts'
import type { GroupMetadataManager } from './group-metadata-manager.ts'
import {
  type OffsetAndMetadata,
  offsetAndMetadataFromRecord,
  offsetCommitRecord,
  offsetCommitTombstone,
} from './offset-and-metadata.ts'
import { Offsets } from './offsets.ts'

/** From this version of OffsetCommit on a group that does not exist is told as such (KIP-848). */
const FIRST_COMMIT_VERSION_GROUP_ID_NOT_FOUND = 9
/** OffsetCommit's "as the broker is configured". */
const DEFAULT_RETENTION_TIME = -1
const INVALID_OFFSET = -1

/** What is asked of one group, in the form of OffsetFetch version 8 and above. */
export type OffsetFetchGroup = OffsetFetchRequest['groups'][number]
/** The same with the topics named: not all. */
export type OffsetFetchGroupTopics = OffsetFetchGroup & { readonly topics: NonNullable<OffsetFetchGroup['topics']> }
export type OffsetFetchGroupResponse = MessageInput<typeof OffsetFetchResponse>['groups'] extends
  | readonly (infer G)[]
  | undefined
  ? G
  : never

export interface OffsetMetadataManagerOptions {
  readonly time: Clock
  readonly snapshotRegistry: SnapshotRegistry
  readonly groupMetadataManager: GroupMetadataManager
  readonly config: GroupCoordinatorConfig
}

type Result<T> = CoordinatorResult<T, GroupCoordinatorRecord>

/**
 * The committed offsets of one partition of `__consumer_offsets` (Kafka's OffsetMetadataManager). Transactional commits are
 * not here yet.
 */
export class OffsetMetadataManager {
  readonly #time: Clock
  readonly #config: GroupCoordinatorConfig
  readonly #groups: GroupMetadataManager
  readonly #offsets: Offsets

  constructor(options: OffsetMetadataManagerOptions) {
    this.#time = options.time
    this.#config = options.config
    this.#groups = options.groupMetadataManager
    this.#offsets = new Offsets(options.snapshotRegistry)
  }

  /** How many offsets there are now. */
  get numOffsets(): number {
    return this.#offsets.size
  }

  /**
   * Commits offsets; `topics` have their names. @throws ApiError when this committer may not commit to the group now
   * @param apiVersion of the OffsetCommit request
   */
  commitOffset(request: OffsetCommitRequest, apiVersion: number): Result<OffsetCommitResponseInput> {
    const validate = this.#validateCommit(request, apiVersion)
    const nowMs = this.#time.wallMs()
    const { retentionTimeMs } = request
    const expireTimestampMs = retentionTimeMs === DEFAULT_RETENTION_TIME ? undefined : nowMs + retentionTimeMs
    const records: GroupCoordinatorRecord[] = []
    const topics = request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata }) => {
        const metadata = committedMetadata ?? ''
        if (metadata.length > this.#config.offsetMetadataMaxSize) {
          return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE }
        }
        validate(name, topicId, partitionIndex)
        const offset: OffsetAndMetadata = {
          committedOffset,
          leaderEpoch: committedLeaderEpoch,
          metadata,
          commitTimestampMs: nowMs,
          expireTimestampMs,
          topicId,
        }
        records.push(offsetCommitRecord(request.groupId, name, partitionIndex, offset))
        return { partitionIndex, errorCode: ErrorCode.NONE }
      }),
    }))
    return { records, response: { topics } }
  }

  /** Forgets offsets, except in topics that members read. @throws ApiError when the group is not there, or may not now */
  deleteOffsets(request: OffsetDeleteRequest): Result<OffsetDeleteResponseInput> {
    const { groupId } = request
    const group = this.#groups.group(groupId)
    group.validateOffsetDelete()
    const records: GroupCoordinatorRecord[] = []
    const topics = request.topics.map(({ name, partitions }) => {
      const errorCode = group.isSubscribedToTopic(name) ? ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCode.NONE
      for (const { partitionIndex } of partitions) {
        if (errorCode !== ErrorCode.NONE || this.#offsets.get(groupId, name, partitionIndex) === undefined) continue
        records.push(offsetCommitTombstone(groupId, name, partitionIndex))
      }
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) }
    })
    return { records, response: { errorCode: ErrorCode.NONE, topics } }
  }

  /** Adds what must be written to forget all offsets of a group. */
  deleteAllOffsets(groupId: string, records: GroupCoordinatorRecord[]): void {
    for (const { topic, partitions } of this.#offsets.ofGroup(groupId) ?? []) {
      for (const [partition] of partitions) records.push(offsetCommitTombstone(groupId, topic, partition))
    }
  }

  /**
   * What the group has committed of some partitions; −1 where nothing. A group that is not there has committed nothing.
   * @param committedOffset undefined: what may not be committed yet counts too
   * @throws ApiError when this member may not fetch
   */
  fetchOffsets(request: OffsetFetchGroupTopics, committedOffset: number | undefined): OffsetFetchGroupResponse {
    const { groupId } = request
    const isThere = this.#validateFetch(request, committedOffset)
    return {
      groupId,
      topics: request.topics.map(({ name, topicId, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map(partition => {
          const found = isThere ? this.#offsets.get(groupId, name, partition, committedOffset) : undefined
          const offset = found !== undefined && sameTopic(found.topicId, topicId) ? found : undefined
          return fetchedPartition(partition, offset)
        }),
      })),
    }
  }

  /** The same for all that it has committed. */
  fetchAllOffsets(request: OffsetFetchGroup, committedOffset: number | undefined): OffsetFetchGroupResponse {
    const { groupId } = request
    if (!this.#validateFetch(request, committedOffset)) return { groupId, topics: [] }
    const offsets = this.#offsets.ofGroup(groupId, committedOffset) ?? []
    return {
      groupId,
      topics: offsets.map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(([partition, offset]) => fetchedPartition(partition, offset)),
      })),
    }
  }

  /** Adds what must be written to forget the offsets of a group that have expired. Returns whether none is left then. */
  cleanupExpiredOffsets(groupId: string, records: GroupCoordinatorRecord[]): boolean {
    const offsets = this.#offsets.ofGroup(groupId)
    if (offsets === undefined) return true
    const group = this.#groups.group(groupId)
    const condition = group.offsetExpirationCondition()
    if (condition === undefined) return false
    const nowMs = this.#time.wallMs()
    let allExpired = true
    for (const { topic, partitions } of offsets) {
      const isRead = group.isSubscribedToTopic(topic)
      for (const [partition, offset] of partitions) {
        if (!isRead && condition.isOffsetExpired(offset, nowMs, this.#config.offsetsRetentionMs)) {
          records.push(offsetCommitTombstone(groupId, topic, partition))
        } else {
          allExpired = false
        }
      }
    }
    return allExpired
  }

  /** What must be written to forget the offsets of partitions that are no more, in all groups. */
  onPartitionsDeleted(topicPartitions: readonly TopicPartition[]): GroupCoordinatorRecord[] {
    return this.#offsets.groupIds.flatMap(groupId =>
      topicPartitions
        .filter(({ topic, partition }) => this.#offsets.get(groupId, topic, partition) !== undefined)
        .map(({ topic, partition }) => offsetCommitTombstone(groupId, topic, partition)),
    )
  }

  /** Applies a record of a committed offset; `value` null: it is forgotten. */
  replay({ group: groupId, topic, partition }: OffsetCommitKey, value: OffsetCommitValue | null): void {
    if (value === null) {
      this.#offsets.remove(groupId, topic, partition)
      return
    }
    // Who commits without being a member makes a group that only keeps offsets.
    if (!this.#groups.hasGroup(groupId)) this.#groups.getOrMaybeCreateClassicGroup(groupId, true)
    this.#offsets.put(groupId, topic, partition, offsetAndMetadataFromRecord(value))
  }

  #validateCommit(request: OffsetCommitRequest, apiVersion: number): CommitPartitionValidator {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch } = request
    const group = this.#groupOfCommit(request, apiVersion)
    const committer = { memberId, groupInstanceId, generationIdOrMemberEpoch, isTransactional: false, apiVersion }
    const validate = group.validateOffsetCommit(committer)
    // A commit shows that the member lives.
    if (group instanceof ClassicGroup && (group.isInState('Stable') || group.isInState('PreparingRebalance'))) {
      this.#groups.rescheduleClassicGroupMemberHeartbeat(group, memberId)
    }
    return validate
  }

  #groupOfCommit({ groupId, generationIdOrMemberEpoch }: OffsetCommitRequest, apiVersion: number): Group {
    if (this.#groups.hasGroup(groupId)) return this.#groups.group(groupId)
    if (generationIdOrMemberEpoch < 0) return this.#groups.getOrMaybeCreateClassicGroup(groupId, true)
    if (apiVersion >= FIRST_COMMIT_VERSION_GROUP_ID_NOT_FOUND) return this.#groups.group(groupId)
    throw new ApiError(ErrorCode.ILLEGAL_GENERATION)
  }

  /** Whether there is such a group. */
  #validateFetch({ groupId, memberId, memberEpoch }: OffsetFetchGroup, committedOffset: number | undefined): boolean {
    let group: Group
    try {
      group = this.#groups.group(groupId, committedOffset)
    } catch (error) {
      if (error instanceof ApiError && error.code === ErrorCode.GROUP_ID_NOT_FOUND) return false
      throw error
    }
    group.validateOffsetFetch(memberId, memberEpoch, committedOffset)
    return true
  }
}

/** A topic of the same name may be another one; where either side does not say, it is taken for the same (KIP-848). */
function sameTopic(committedId: string, askedId: string): boolean {
  return committedId === ZERO_UUID || askedId === ZERO_UUID || committedId === askedId
}

function fetchedPartition(partitionIndex: number, offset: OffsetAndMetadata | undefined) {
  return {
    partitionIndex,
    committedOffset: offset?.committedOffset ?? INVALID_OFFSET,
    committedLeaderEpoch: offset?.leaderEpoch ?? -1,
    metadata: offset?.metadata ?? '',
    errorCode: ErrorCode.NONE,
  }
}
