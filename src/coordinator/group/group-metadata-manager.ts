import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type { DescribeGroupsResponseInput } from '../../protocol/apis/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../protocol/apis/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponseInput } from '../../protocol/apis/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../protocol/apis/leave-group.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../../protocol/apis/sync-group.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { Clock, RandomStream } from '../../runtime/runtime.ts'
import type { CoordinatorExecutor } from '../common/coordinator-executor.ts'
import type { CoordinatorResult } from '../common/coordinator-result.ts'
import type { CoordinatorTimer } from '../common/coordinator-timer.ts'
import type { SnapshotRegistry } from '../common/snapshot-registry.ts'
import { TimelineMap } from '../common/timeline-map.ts'
import { ClassicGroup } from './classic/classic-group.ts'
import { appendErrorToResponseError, joinError, syncError, UNKNOWN_MEMBER_ID } from './classic/classic-group-answers.ts'
import { classicGroupFromRecord } from './classic/classic-group-from-record.ts'
import { heartbeatClassicGroup } from './classic/classic-group-heartbeat.ts'
import { ClassicGroupJoiner, type GroupRequestContext, type Joining } from './classic/classic-group-joiner.ts'
import { leaveClassicGroup } from './classic/classic-group-leave.ts'
import { type ClassicGroupEnvironment, ClassicGroupRebalancer } from './classic/classic-group-rebalancer.ts'
import { emptyGroupMetadataRecord } from './classic/classic-group-records.ts'
import { type ClassicGroupResult, NOTHING_TO_WRITE } from './classic/classic-group-result.ts'
import { syncClassicGroup } from './classic/classic-group-sync.ts'
import { unloadClassicGroup } from './classic/classic-group-unload.ts'
import { OnlineDowngrade } from './conversion/online-downgrade.ts'
import { type Group, type GroupType, type ListedGroup, parseGroupType } from './group.ts'
import type { GroupCoordinatorConfig } from './group-coordinator-config.ts'
import type { GroupCoordinatorRecord, GroupMetadataKey, GroupMetadataValue } from './group-coordinator-records.ts'
import { ConsumerGroup } from './modern/consumer/consumer-group.ts'
import { ConsumerGroupManager } from './modern/consumer/consumer-group-manager.ts'
import { type ConsumerGroupRecord, replayConsumerGroupRecord } from './modern/consumer/consumer-group-replay.ts'
import { ConsumerGroups } from './modern/consumer/consumer-groups.ts'

export interface GroupMetadataManagerOptions {
  readonly time: Clock
  readonly snapshotRegistry: SnapshotRegistry
  readonly timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly executor: CoordinatorExecutor<GroupCoordinatorRecord>
  readonly config: GroupCoordinatorConfig
  /** Where the ids of members come from. */
  readonly random: RandomStream
}

type DescribedGroup = DescribeGroupsResponseInput['groups'][number]

/**
 * The groups of one partition of `__consumer_offsets` and what is asked of them (Kafka's GroupMetadataManager). What it does
 * is an operation of the partition's shard: one at a time, its records applied before they are committed. The map of groups
 * can go back when they are not; a classic group itself does not, it deals with a failed write where it asked for it.
 *
 * Requests that are held are answered by their `respond`, once. A request that a later one of the same member takes the
 * place of is not answered, as in Kafka: its client has given up waiting.
 */
export class GroupMetadataManager {
  /** The consumer protocol's half. */
  readonly consumerGroups: ConsumerGroupManager
  readonly #consumerGroups: ConsumerGroups
  readonly #time: Clock
  readonly #config: GroupCoordinatorConfig
  readonly #timer: CoordinatorTimer<GroupCoordinatorRecord>
  readonly #groups: TimelineMap<string, Group>
  readonly #rebalancer: ClassicGroupRebalancer
  readonly #joiner: ClassicGroupJoiner

  constructor(options: GroupMetadataManagerOptions) {
    this.#time = options.time
    this.#config = options.config
    this.#timer = options.timer
    this.#groups = new TimelineMap(options.snapshotRegistry)
    const environment: ClassicGroupEnvironment = {
      config: options.config,
      timer: options.timer,
      classicGroup: groupId => asClassicGroup(this.#groups.get(groupId)),
    }
    this.#rebalancer = new ClassicGroupRebalancer(environment)
    this.#joiner = new ClassicGroupJoiner(environment, this.#rebalancer, options.random)
    this.#consumerGroups = new ConsumerGroups(this.#groups, options.snapshotRegistry, options.timer)
    this.consumerGroups = new ConsumerGroupManager({
      ...options,
      groups: this.#consumerGroups,
      downgrade: new OnlineDowngrade({ ...options, rebalancer: this.#rebalancer, groups: this.#groups }),
    })
  }

  /**
   * The group as it is now, or as it was at `committedOffset`, of which there must be a snapshot.
   * @throws ApiError GROUP_ID_NOT_FOUND
   */
  group(groupId: string, committedOffset?: number): Group {
    const group =
      committedOffset === undefined ? this.#groups.get(groupId) : this.#groups.getAt(groupId, committedOffset)
    if (group === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`)
    return group
  }

  /** The ids of all groups there are now. */
  get groupIds(): readonly string[] {
    return [...this.#groups.keys()]
  }

  /** How many groups there are now of a type, in one state: as DescribeGroups shows it, undefined: in any. */
  countGroups(type: GroupType, state?: string): number {
    let count = 0
    for (const group of this.#groups.values()) {
      if (group.type === type && (state === undefined || group.stateAsString() === state)) count += 1
    }
    return count
  }

  hasGroup(groupId: string): boolean {
    return this.#groups.has(groupId)
  }

  /** @throws ApiError GROUP_ID_NOT_FOUND also for a group of another type */
  classicGroup(groupId: string, committedOffset?: number): ClassicGroup {
    const group = asClassicGroup(this.group(groupId, committedOffset))
    if (group === undefined)
      throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a classic group.`)
    return group
  }

  /**
   * The classic group of this id; `createIfNotExists`: a new one, without members, if there is no group.
   * @throws ApiError GROUP_ID_NOT_FOUND
   */
  getOrMaybeCreateClassicGroup(groupId: string, createIfNotExists: boolean): ClassicGroup {
    if (!createIfNotExists || this.#groups.has(groupId)) return this.classicGroup(groupId)
    const group = new ClassicGroup(this.#time, { groupId, state: 'Empty' })
    this.#groups.set(groupId, group)
    return group
  }

  /** The groups in one of these states and of one of these types, in upper or lower case; empty: in any (KIP-518, KIP-848). */
  listGroups(states: readonly string[], types: readonly string[], committedOffset: number): ListedGroup[] {
    const wantedStates = new Set(states.map(state => state.toLowerCase().trim()))
    const wantedTypes = new Set(types.map(parseGroupType))
    return this.#groups
      .entriesAt(committedOffset)
      .map(([, group]) => group)
      .filter(group => states.length === 0 || group.isInStates(wantedStates, committedOffset))
      .filter(group => types.length === 0 || wantedTypes.has(group.type))
      .map(group => group.asListedGroup(committedOffset))
  }

  /** What DescribeGroups tells of these groups. One that is not there is `Dead`, from version 6 on an error too (KIP-1043). */
  describeGroups(
    { apiVersion }: Pick<GroupRequestContext, 'apiVersion'>,
    groupIds: readonly string[],
    committedOffset: number,
  ): DescribedGroup[] {
    return groupIds.map(groupId => {
      try {
        return describe(this.classicGroup(groupId, committedOffset))
      } catch (error) {
        if (error instanceof ApiError) return describeError(groupId, error, apiVersion)
        throw error
      }
    })
  }

  /**
   * JoinGroup. A group that is not there is made for a member without an id; an empty consumer group gives way to it.
   * @throws ApiError what a member of a consumer group is refused for
   */
  classicGroupJoin(
    context: GroupRequestContext,
    request: JoinGroupRequest,
    respond: (response: JoinGroupResponseInput) => void,
  ): ClassicGroupResult {
    const joining: Joining = { context, request, respond: once(respond) }
    const { groupId, memberId } = request
    const consumerGroup = this.#consumerGroups.find(groupId)
    if (consumerGroup?.isEmpty === false) return this.consumerGroups.classicJoin(consumerGroup, joining)
    const isNewGroup = consumerGroup !== undefined || !this.#groups.has(groupId)
    if (isNewGroup && memberId !== UNKNOWN_MEMBER_ID) {
      joining.respond(joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId))
      return NOTHING_TO_WRITE
    }
    const tombstones: GroupCoordinatorRecord[] = []
    if (consumerGroup !== undefined) {
      this.createGroupTombstoneRecords(groupId, tombstones)
      this.#groups.delete(groupId)
    }
    const group = this.getOrMaybeCreateClassicGroup(groupId, true)
    const result = this.#joiner.join(group, joining)
    return isNewGroup && result === NOTHING_TO_WRITE ? storeNewGroup(group, joining, tombstones) : result
  }

  /** SyncGroup. @throws ApiError what a member of a consumer group is refused for */
  classicGroupSync(
    _context: GroupRequestContext,
    request: SyncGroupRequest,
    respond: (response: SyncGroupResponseInput) => void,
  ): ClassicGroupResult {
    const group = this.#groups.get(request.groupId)
    if (group instanceof ConsumerGroup && !group.isEmpty) {
      return this.consumerGroups.classicSync(group, request, respond)
    }
    if (group instanceof ClassicGroup && !group.isEmpty) {
      return syncClassicGroup(this.#rebalancer, group, request, respond)
    }
    respond(syncError(ErrorCode.UNKNOWN_MEMBER_ID))
    return NOTHING_TO_WRITE
  }

  /** Heartbeat. @throws ApiError */
  classicGroupHeartbeat(
    _context: GroupRequestContext,
    request: HeartbeatRequest,
  ): CoordinatorResult<HeartbeatResponseInput, GroupCoordinatorRecord> {
    const group = this.#groupOfMember(request.groupId)
    return group instanceof ConsumerGroup
      ? this.consumerGroups.classicHeartbeat(group, request)
      : heartbeatClassicGroup(this.#rebalancer, group, request)
  }

  /** LeaveGroup; `members` tells who leaves, in every version. @throws ApiError UNKNOWN_MEMBER_ID when there is no group */
  classicGroupLeave(
    _context: GroupRequestContext,
    request: LeaveGroupRequest,
  ): CoordinatorResult<LeaveGroupResponseInput, GroupCoordinatorRecord> {
    const group = this.#groupOfMember(request.groupId)
    return group instanceof ConsumerGroup
      ? this.consumerGroups.classicLeave(group, request)
      : leaveClassicGroup(this.#rebalancer, group, request)
  }

  /** A member has shown that it lives by other means, such as an offset commit. */
  rescheduleClassicGroupMemberHeartbeat(group: ClassicGroup, memberId: string): void {
    const member = group.member(memberId)
    if (member !== undefined) this.#rebalancer.rescheduleHeartbeat(group, member)
  }

  /** @throws ApiError unless the group may be deleted */
  validateDeleteGroup(groupId: string): void {
    this.group(groupId).validateDeleteGroup()
  }

  /** Adds what must be written to delete the group. @throws ApiError GROUP_ID_NOT_FOUND */
  createGroupTombstoneRecords(groupId: string, records: GroupCoordinatorRecord[]): void {
    const group = this.group(groupId)
    group.createGroupTombstoneRecords(records)
    group.cancelTimers(this.#timer)
  }

  /** The same if there is such a group and it has no members. */
  maybeDeleteGroup(groupId: string, records: GroupCoordinatorRecord[]): void {
    if (this.#groups.get(groupId)?.isEmpty === true) this.createGroupTombstoneRecords(groupId, records)
  }

  /** Applies a record of a classic group; `value` null: it is gone. */
  replayGroupMetadata({ group: groupId }: GroupMetadataKey, value: GroupMetadataValue | null): void {
    if (value === null) this.#groups.delete(groupId)
    else this.#groups.set(groupId, classicGroupFromRecord(this.#time, groupId, value))
  }

  /** Applies a record of a consumer group. */
  replayConsumerGroup(record: ConsumerGroupRecord): void {
    replayConsumerGroupRecord(this.#consumerGroups, record)
  }

  /** All records have been read: members may be silent for as long as their session from now on. */
  onLoaded(image: MetadataImage): void {
    this.consumerGroups.onLoaded(image)
    for (const group of this.#classicGroups()) {
      for (const member of group.members) this.#rebalancer.rescheduleHeartbeat(group, member)
      // The limit may have been lowered. A rebalance gives all a chance to commit before some are turned away.
      if (group.numMembers > this.#config.classicGroupMaxSize) this.#rebalancer.prepareRebalance(group)
    }
  }

  /** Another broker coordinates these groups now: whoever waits here is told so. */
  onUnloaded(): void {
    for (const group of this.#classicGroups()) unloadClassicGroup(group)
  }

  /** A classic group leaves it to its members to see what has changed. */
  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    this.consumerGroups.onNewMetadataImage(image, delta)
  }

  *#classicGroups(): Generator<ClassicGroup> {
    for (const group of this.#groups.values()) {
      const classicGroup = asClassicGroup(group)
      if (classicGroup !== undefined) yield classicGroup
    }
  }

  #groupOfMember(groupId: string): ClassicGroup | ConsumerGroup {
    const group = this.#groups.get(groupId)
    if (group instanceof ClassicGroup || group instanceof ConsumerGroup) return group
    throw new ApiError(ErrorCode.UNKNOWN_MEMBER_ID, `Group ${groupId} not found.`)
  }
}

function asClassicGroup(group: Group | undefined): ClassicGroup | undefined {
  return group instanceof ClassicGroup ? group : undefined
}

/**
 * Writes a group that has just been made, so that it stays; if this fails the group is no more. Before it come the tombstones
 * of the group whose place it takes.
 */
function storeNewGroup(
  group: ClassicGroup,
  { respond }: Joining,
  tombstones: readonly GroupCoordinatorRecord[],
): ClassicGroupResult {
  return {
    records: [...tombstones, emptyGroupMetadataRecord(group)],
    response: undefined,
    replayRecords: false,
    onAppended: error => {
      if (error !== undefined) respond(joinError(appendErrorToResponseError(error)))
    },
  }
}

function describe(group: ClassicGroup): DescribedGroup {
  const protocolName = group.isInState('Stable') ? group.protocolName : undefined
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: protocolName ?? '',
    members: group.members.map(member => member.describe(protocolName)),
  }
}

function describeError(groupId: string, error: ApiError, apiVersion: number): DescribedGroup {
  const dead = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  if (apiVersion < 6) return { ...dead, errorCode: ErrorCode.NONE }
  return { ...dead, errorCode: error.code, errorMessage: error.message }
}

/** The same, but only the first answer is given. */
function once<T>(respond: (response: T) => void): (response: T) => void {
  let answered = false
  return response => {
    if (answered) return
    answered = true
    respond(response)
  }
}
