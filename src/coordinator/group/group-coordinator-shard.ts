import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { DeleteGroupsResponseInput } from '../../protocol/apis/delete-groups.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Clock, RandomStream } from '../../runtime/runtime.ts'
import type { CoordinatorResult } from '../common/coordinator-result.ts'
import type { CoordinatorShard, CoordinatorShardContext } from '../common/coordinator-shard.ts'
import type { CoordinatorTimer } from '../common/coordinator-timer.ts'
import type { GroupCoordinatorConfig } from './group-coordinator-config.ts'
import type { GroupCoordinatorRecord } from './group-coordinator-records.ts'
import { GroupMetadataManager } from './group-metadata-manager.ts'
import { OffsetMetadataManager } from './offset-metadata-manager.ts'

const GROUP_EXPIRATION_KEY = 'expire-group-metadata'

export interface GroupCoordinatorShardOptions extends CoordinatorShardContext<GroupCoordinatorRecord> {
  readonly time: Clock
  readonly random: RandomStream
  readonly config: GroupCoordinatorConfig
}

type DeletedGroup = DeleteGroupsResponseInput['results'][number]

/** The groups and offsets of one partition of `__consumer_offsets` (Kafka's GroupCoordinatorShard). */
export class GroupCoordinatorShard implements CoordinatorShard<GroupCoordinatorRecord> {
  readonly groups: GroupMetadataManager
  readonly offsets: OffsetMetadataManager
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly #config: GroupCoordinatorConfig

  constructor(options: GroupCoordinatorShardOptions) {
    const { time, random, config, snapshotRegistry, timer, executor } = options
    this.#timer = timer
    this.#config = config
    this.groups = new GroupMetadataManager({ time, snapshotRegistry, timer, executor, config, random })
    this.offsets = new OffsetMetadataManager({ time, snapshotRegistry, groupMetadataManager: this.groups, config })
  }

  /** Deletes groups with their offsets, each of them by itself. */
  deleteGroups(groupIds: readonly string[]): CoordinatorResult<DeletedGroup[], GroupCoordinatorRecord> {
    const records: GroupCoordinatorRecord[] = []
    const response = groupIds.map((groupId): DeletedGroup => {
      try {
        this.groups.validateDeleteGroup(groupId)
        this.offsets.deleteAllOffsets(groupId, records)
        this.groups.createGroupTombstoneRecords(groupId, records)
        return { groupId, errorCode: ErrorCode.NONE }
      } catch (error) {
        if (error instanceof ApiError) return { groupId, errorCode: error.code }
        throw error
      }
    })
    return { records, response }
  }

  /** Forgets the offsets of partitions that are no more. */
  onPartitionsDeleted(
    topicPartitions: readonly TopicPartition[],
  ): CoordinatorResult<undefined, GroupCoordinatorRecord> {
    return { records: this.offsets.onPartitionsDeleted(topicPartitions), response: undefined, isAtomic: false }
  }

  replay(_offset: number, record: GroupCoordinatorRecord): void {
    switch (record.type) {
      case 'OffsetCommit':
        this.offsets.replay(record.key, record.value)
        return
      case 'GroupMetadata':
        this.groups.replayGroupMetadata(record.key, record.value)
        return
      default:
        this.groups.replayConsumerGroup(record)
    }
  }

  onLoaded(image: MetadataImage): void {
    this.groups.onLoaded(image)
    this.#scheduleGroupMetadataExpiration()
  }

  onUnloaded(): void {
    this.#timer.cancel(GROUP_EXPIRATION_KEY)
    this.groups.onUnloaded()
  }

  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    this.groups.onNewMetadataImage(image, delta)
  }

  /** Forgets expired offsets, and groups without members that have none left. */
  #cleanupGroupMetadata(): CoordinatorResult<void, GroupCoordinatorRecord> {
    const records: GroupCoordinatorRecord[] = []
    for (const groupId of this.groups.groupIds) {
      if (!this.groups.group(groupId).shouldExpire) continue
      if (this.offsets.cleanupExpiredOffsets(groupId, records)) this.groups.maybeDeleteGroup(groupId, records)
    }
    this.#scheduleGroupMetadataExpiration()
    return { records, response: undefined, isAtomic: false }
  }

  #scheduleGroupMetadataExpiration(): void {
    this.#timer.schedule(GROUP_EXPIRATION_KEY, this.#config.offsetsRetentionCheckIntervalMs, () =>
      this.#cleanupGroupMetadata(),
    )
  }
}
