import type { MetadataImage } from '../../../../controller/image/metadata-image.ts'
import { ApiError, ErrorCode } from '../../../../protocol/errors.ts'
import type { CoordinatorTimer } from '../../../common/coordinator-timer.ts'
import type { SnapshotRegistry } from '../../../common/snapshot-registry.ts'
import type { TimelineMap } from '../../../common/timeline-map.ts'
import { ClassicGroup } from '../../classic/classic-group.ts'
import { convertToConsumerGroup } from '../../conversion/online-upgrade.ts'
import type { Group } from '../../group.ts'
import type { GroupCoordinatorRecord } from '../../group-coordinator-records.ts'
import { ConsumerGroup } from './consumer-group.ts'

/** The consumer groups among the groups of a shard. */
export class ConsumerGroups {
  readonly #groups: TimelineMap<string, Group>
  readonly #snapshotRegistry: SnapshotRegistry
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>

  constructor(
    groups: TimelineMap<string, Group>,
    snapshotRegistry: SnapshotRegistry,
    timer: CoordinatorTimer<GroupCoordinatorRecord>,
  ) {
    this.#groups = groups
    this.#snapshotRegistry = snapshotRegistry
    this.#timer = timer
  }

  *all(): Generator<ConsumerGroup> {
    for (const group of this.#groups.values()) if (group instanceof ConsumerGroup) yield group
  }

  /** Undefined when there is none of that id, or one of another type. */
  find(groupId: string): ConsumerGroup | undefined {
    const group = this.#groups.get(groupId)
    return group instanceof ConsumerGroup ? group : undefined
  }

  /**
   * The group as it is now, or as it was at `committedOffset`, of which there must be a snapshot.
   * @throws ApiError GROUP_ID_NOT_FOUND also for a group of another type
   */
  get(groupId: string, committedOffset?: number): ConsumerGroup {
    const group =
      committedOffset === undefined ? this.#groups.get(groupId) : this.#groups.getAt(groupId, committedOffset)
    if (group instanceof ConsumerGroup) return group
    const problem = group === undefined ? `Group ${groupId} not found.` : `Group ${groupId} is not a consumer group.`
    throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, problem)
  }

  /**
   * The group that a member joins, or a new one, which is there once its records are applied. Adds what must be written to take
   * the place of a classic group (GroupMetadataManager.getOrMaybeCreateConsumerGroup). @param upgrade what a classic group with
   * members becomes; throws ApiError when it may not
   */
  getOrCreateForJoin(
    groupId: string,
    records: GroupCoordinatorRecord[],
    upgrade: (group: ClassicGroup) => ConsumerGroup,
  ): ConsumerGroup {
    const group = this.#groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    if (group instanceof ClassicGroup && !group.isEmpty) return upgrade(group)
    group?.createGroupTombstoneRecords(records)
    group?.cancelTimers(this.#timer)
    return new ConsumerGroup(this.#snapshotRegistry, groupId)
  }

  /** The consumer group that a classic one becomes, which is there once its records are applied. */
  converted(group: ClassicGroup, image: MetadataImage, records: GroupCoordinatorRecord[]): ConsumerGroup {
    return convertToConsumerGroup(group, this.#snapshotRegistry, image, records)
  }

  /**
   * For records: the group, which is made if it is not there. A classic group that only keeps offsets has no records of its own
   * and gives way. @throws Error for any other group
   */
  getOrCreatePersisted(groupId: string): ConsumerGroup {
    const group = this.#groups.get(groupId)
    if (group instanceof ConsumerGroup) return group
    if (group !== undefined && !(group instanceof ClassicGroup && group.isSimpleGroup)) {
      throw new Error(`group ${groupId} is not a consumer group`)
    }
    const created = new ConsumerGroup(this.#snapshotRegistry, groupId)
    this.#groups.set(groupId, created)
    return created
  }

  remove(groupId: string): void {
    this.#groups.delete(groupId)
  }
}
