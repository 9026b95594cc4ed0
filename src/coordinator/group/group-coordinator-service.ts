import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponseInput,
} from '../../protocol/apis/consumer-group-heartbeat.ts'
import type { DeleteGroupsResponseInput } from '../../protocol/apis/delete-groups.ts'
import type { DescribeGroupsResponseInput } from '../../protocol/apis/describe-groups.ts'
import type { HeartbeatRequest, HeartbeatResponseInput } from '../../protocol/apis/heartbeat.ts'
import type { JoinGroupRequest, JoinGroupResponseInput } from '../../protocol/apis/join-group.ts'
import type { LeaveGroupRequest, LeaveGroupResponseInput } from '../../protocol/apis/leave-group.ts'
import type { ListGroupsRequest, ListGroupsResponseInput } from '../../protocol/apis/list-groups.ts'
import type { OffsetCommitRequest, OffsetCommitResponseInput } from '../../protocol/apis/offset-commit.ts'
import type { OffsetDeleteRequest, OffsetDeleteResponseInput } from '../../protocol/apis/offset-delete.ts'
import type { SyncGroupRequest, SyncGroupResponseInput } from '../../protocol/apis/sync-group.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { CompressionCodec } from '../../protocol/records/batch.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { ReplicaManager } from '../../replication/replica-manager.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { CoordinatorLoader } from '../common/coordinator-loader.ts'
import { coordinatorErrorOf } from '../common/coordinator-operation-error.ts'
import { CoordinatorPartitionWriter } from '../common/coordinator-partition-writer.ts'
import type { CoordinatorResult } from '../common/coordinator-result.ts'
import { CoordinatorRuntime } from '../common/coordinator-runtime.ts'
import { joinError, syncError } from './classic/classic-group-answers.ts'
import type { GroupRequestContext } from './classic/classic-group-joiner.ts'
import type { GroupType } from './group.ts'
import type { GroupCoordinatorConfig } from './group-coordinator-config.ts'
import { groupCoordinatorRecordSerde } from './group-coordinator-record-serde.ts'
import type { GroupCoordinatorRecord } from './group-coordinator-records.ts'
import { GroupCoordinatorShard } from './group-coordinator-shard.ts'
import { partitionForGroup } from './group-partition.ts'
import { commitError, describeGroupsError, offsetFetchError } from './group-responses.ts'
import { type DescribedConsumerGroup, describeConsumerGroupError } from './modern/consumer/consumer-group-describe.ts'
import { consumerGroupHeartbeatError, invalidConsumerGroupHeartbeat } from './modern/consumer/heartbeat-validation.ts'
import type { OffsetFetchGroup, OffsetFetchGroupResponse } from './offset-metadata-manager.ts'

export const GROUP_METADATA_TOPIC = '__consumer_offsets'

export interface GroupCoordinatorOptions {
  readonly config: GroupCoordinatorConfig
  readonly compression: CompressionCodec
  readonly replicaManager: ReplicaManager
  readonly onUnexpectedError: (error: unknown, where: string) => void
}

type DescribedGroup = DescribeGroupsResponseInput['groups'][number]
type DeletedGroup = DeleteGroupsResponseInput['results'][number]
type Coordinators = CoordinatorRuntime<GroupCoordinatorShard, GroupCoordinatorRecord>
type Operation<T> = (shard: GroupCoordinatorShard) => CoordinatorResult<T, GroupCoordinatorRecord>

/**
 * The group coordinator of a broker, for the groups whose partition of `__consumer_offsets` it leads (Kafka's
 * GroupCoordinatorService). Each request becomes an operation of the shard that it is for. No method rejects: errors are in
 * the answers. An answer to a JoinGroup that another one of the same member has taken the place of never comes, as in Kafka.
 */
export class GroupCoordinatorService {
  readonly #runtime: Runtime
  readonly #options: GroupCoordinatorOptions
  readonly #config: GroupCoordinatorConfig
  #coordinators: Coordinators | undefined
  #numPartitions = -1

  constructor(runtime: Runtime, options: GroupCoordinatorOptions) {
    this.#runtime = runtime
    this.#options = options
    this.#config = options.config
  }

  /** Starts its threads. @param numPartitions of `__consumer_offsets`, or what it will be created with */
  startup(numPartitions: number): void {
    const { config, compression, replicaManager, onUnexpectedError } = this.#options
    const name = 'group-coordinator'
    const random = this.#runtime.random.stream('group coordinator member ids')
    const time = this.#runtime.clock
    this.#numPartitions = numPartitions
    this.#coordinators = new CoordinatorRuntime(this.#runtime, {
      name,
      numThreads: config.numThreads,
      defaultWriteTimeoutMs: config.offsetCommitTimeoutMs,
      appendLingerMs: config.appendLingerMs,
      compression,
      partitionWriter: new CoordinatorPartitionWriter(replicaManager),
      loader: new CoordinatorLoader(this.#runtime, {
        name: `${name}-loader`,
        replicaManager,
        serde: groupCoordinatorRecordSerde,
        loadBufferSize: config.offsetsLoadBufferSize,
      }),
      serde: groupCoordinatorRecordSerde,
      createShard: context => new GroupCoordinatorShard({ ...context, time, random, config }),
      onUnexpectedError,
    })
  }

  /** Ends its threads; who waits is told NOT_COORDINATOR. Also when it was never started. */
  async shutdown(): Promise<void> {
    const coordinators = this.#coordinators
    this.#coordinators = undefined
    await coordinators?.close()
  }

  /** The partition of `__consumer_offsets` that a group belongs to. Throws COORDINATOR_NOT_AVAILABLE before `startup`. */
  partitionFor(groupId: string): number {
    if (this.#coordinators === undefined) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return partitionForGroup(groupId, this.#numPartitions)
  }

  /** This broker leads a partition of `__consumer_offsets` from now on. */
  onElection(partition: number, leaderEpoch: number): void {
    this.#active().scheduleLoadOperation({ topic: GROUP_METADATA_TOPIC, partition }, leaderEpoch)
  }

  /** Another broker leads it; `leaderEpoch` undefined: it was deleted, or moved away. */
  onResignation(partition: number, leaderEpoch: number | undefined): void {
    this.#active().scheduleUnloadOperation({ topic: GROUP_METADATA_TOPIC, partition }, leaderEpoch)
  }

  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    this.#active().onNewMetadataImage(image, delta)
  }

  /** Forgets the offsets of partitions that are no more. Resolves when that is committed, or has failed. */
  async onPartitionsDeleted(topicPartitions: readonly TopicPartition[]): Promise<void> {
    const writes = this.#active().scheduleWriteAllOperation(
      'on-partition-deleted',
      this.#config.offsetCommitTimeoutMs,
      shard => shard.onPartitionsDeleted(topicPartitions),
    )
    await Promise.all(writes.map(write => write.catch(error => this.#errorOf(error, 'on-partition-deleted'))))
  }

  /** What `__consumer_offsets` is created with. */
  get groupMetadataTopicConfigs(): ReadonlyMap<string, string> {
    return new Map([
      ['cleanup.policy', 'compact'],
      ['compression.type', 'producer'],
      ['segment.bytes', String(this.#config.offsetsTopicSegmentBytes)],
    ])
  }

  /** How many groups of a type there are in the shards of this broker, in one state; undefined: in any. */
  countGroups(type: GroupType, state?: string): number {
    return this.#sum(shard => shard.groups.countGroups(type, state))
  }

  /** How many committed offsets there are in the shards of this broker. */
  get numOffsets(): number {
    return this.#sum(shard => shard.offsets.numOffsets)
  }

  joinGroup(context: GroupRequestContext, request: JoinGroupRequest): Promise<JoinGroupResponseInput> {
    const { groupId, memberId, sessionTimeoutMs } = request
    const { classicGroupMinSessionTimeoutMs, classicGroupMaxSessionTimeoutMs } = this.#config
    const invalid = this.#invalidGroup(groupId)
    if (invalid !== undefined) return Promise.resolve(joinError(invalid, memberId))
    if (sessionTimeoutMs < classicGroupMinSessionTimeoutMs || sessionTimeoutMs > classicGroupMaxSessionTimeoutMs) {
      return Promise.resolve(joinError(ErrorCode.INVALID_SESSION_TIMEOUT, memberId))
    }
    return new Promise(respond => {
      const written = this.#write('classic-group-join', groupId, shard =>
        shard.groups.classicGroupJoin(context, request, respond),
      )
      written.catch(error => respond(joinError(this.#errorOf(error, 'classic-group-join'))))
    })
  }

  syncGroup(context: GroupRequestContext, request: SyncGroupRequest): Promise<SyncGroupResponseInput> {
    const { groupId } = request
    const invalid = this.#invalidGroup(groupId)
    if (invalid !== undefined) return Promise.resolve(syncError(invalid))
    return new Promise(respond => {
      const written = this.#write('classic-group-sync', groupId, shard =>
        shard.groups.classicGroupSync(context, request, respond),
      )
      written.catch(error => respond(syncError(this.#errorOf(error, 'classic-group-sync'))))
    })
  }

  async heartbeat(context: GroupRequestContext, request: HeartbeatRequest): Promise<HeartbeatResponseInput> {
    const { groupId } = request
    const invalid = this.#invalidGroup(groupId)
    if (invalid !== undefined) return { errorCode: invalid }
    try {
      return await this.#write('classic-group-heartbeat', groupId, shard =>
        shard.groups.classicGroupHeartbeat(context, request),
      )
    } catch (error) {
      const errorCode = this.#errorOf(error, 'classic-group-heartbeat')
      // The member can only be told to go on until its group is there.
      return { errorCode: errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode }
    }
  }

  /** `members` tells who leaves, in every version. */
  async leaveGroup(context: GroupRequestContext, request: LeaveGroupRequest): Promise<LeaveGroupResponseInput> {
    const { groupId } = request
    const invalid = this.#invalidGroup(groupId)
    if (invalid !== undefined) return { errorCode: invalid }
    try {
      return await this.#write('classic-group-leave', groupId, shard =>
        shard.groups.classicGroupLeave(context, request),
      )
    } catch (error) {
      const errorCode = this.#errorOf(error, 'classic-group-leave')
      if (errorCode !== ErrorCode.UNKNOWN_MEMBER_ID) return { errorCode }
      // There is no such group.
      const members = request.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, errorCode }))
      return { errorCode: ErrorCode.NONE, members }
    }
  }

  /** ConsumerGroupHeartbeat (KIP-848). */
  async consumerGroupHeartbeat(
    context: GroupRequestContext,
    request: ConsumerGroupHeartbeatRequest,
  ): Promise<ConsumerGroupHeartbeatResponseInput> {
    if (this.#coordinators === undefined) return consumerGroupHeartbeatError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const invalid = invalidConsumerGroupHeartbeat(request, context.apiVersion, this.#config.consumerGroupAssignors)
    if (invalid !== undefined) return consumerGroupHeartbeatError(invalid.code, invalid.message)
    try {
      return await this.#write('consumer-group-heartbeat', request.groupId, shard =>
        shard.groups.consumerGroups.heartbeat(context, request),
      )
    } catch (error) {
      const errorCode = this.#errorOf(error, 'consumer-group-heartbeat')
      const isItsOwn = error instanceof ApiError && error.code === errorCode
      return consumerGroupHeartbeatError(errorCode, isItsOwn ? error.message : undefined)
    }
  }

  /** ConsumerGroupDescribe (KIP-848). */
  async consumerGroupDescribe(groupIds: readonly string[]): Promise<DescribedConsumerGroup[]> {
    const coordinators = this.#coordinators
    const failed = (ids: readonly string[], errorCode: ErrorCode) =>
      ids.map(groupId => describeConsumerGroupError(groupId, errorCode))
    if (coordinators === undefined) return failed(groupIds, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const isNamed = (groupId: string) => groupId !== ''
    const unnamed = groupIds.filter(groupId => !isNamed(groupId))
    const described = this.#byPartition(groupIds.filter(isNamed)).map(async ([partition, ids]) => {
      try {
        return await coordinators.scheduleReadOperation(partition, (shard, committedOffset) =>
          shard.groups.consumerGroups.describe(ids, committedOffset),
        )
      } catch (error) {
        return failed(ids, this.#errorOf(error, 'consumer-group-describe'))
      }
    })
    return [...failed(unnamed, ErrorCode.INVALID_GROUP_ID), ...(await Promise.all(described)).flat()]
  }

  /** The groups of all shards of this broker. */
  async listGroups({ statesFilter, typesFilter }: ListGroupsRequest): Promise<ListGroupsResponseInput> {
    if (this.#coordinators === undefined) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] }
    const reads = this.#coordinators.scheduleReadAllOperation((shard, committedOffset) =>
      shard.groups.listGroups(statesFilter, typesFilter, committedOffset),
    )
    const results = await Promise.allSettled(reads)
    const groups: ListGroupsResponseInput['groups'][number][] = []
    for (const result of results) {
      if (result.status === 'fulfilled') {
        groups.push(...result.value)
        continue
      }
      const errorCode = this.#errorOf(result.reason, 'list-groups')
      // One that has just been resigned has no groups here.
      if (errorCode !== ErrorCode.NOT_COORDINATOR) return { errorCode, groups: [] }
    }
    return { errorCode: ErrorCode.NONE, groups }
  }

  async describeGroups(context: GroupRequestContext, groupIds: readonly string[]): Promise<DescribedGroup[]> {
    const coordinators = this.#coordinators
    if (coordinators === undefined) return describeGroupsError(groupIds, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const described = this.#byPartition(groupIds).map(async ([partition, ids]) => {
      try {
        return await coordinators.scheduleReadOperation(partition, (shard, committedOffset) =>
          shard.groups.describeGroups(context, ids, committedOffset),
        )
      } catch (error) {
        return describeGroupsError(ids, this.#errorOf(error, 'describe-groups'))
      }
    })
    return (await Promise.all(described)).flat()
  }

  /** `groupIds` without repetition. */
  async deleteGroups(groupIds: readonly string[]): Promise<DeletedGroup[]> {
    const failed = (ids: readonly string[], errorCode: ErrorCode) => ids.map(groupId => ({ groupId, errorCode }))
    if (this.#coordinators === undefined) return failed(groupIds, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const deleted = this.#byPartition(groupIds).map(async ([, ids]) => {
      try {
        return await this.#write('delete-groups', ids[0] ?? '', shard => shard.deleteGroups(ids))
      } catch (error) {
        return failed(ids, this.#errorOf(error, 'delete-groups'))
      }
    })
    return (await Promise.all(deleted)).flat()
  }

  /** `topics` have their names, and exist. An empty group id is a group like any other. */
  async commitOffsets(context: GroupRequestContext, request: OffsetCommitRequest): Promise<OffsetCommitResponseInput> {
    if (this.#coordinators === undefined) return commitError(request, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    try {
      return await this.#write('commit-offset', request.groupId, shard =>
        shard.offsets.commitOffset(request, context.apiVersion),
      )
    } catch (error) {
      return commitError(request, this.#errorOf(error, 'commit-offset'))
    }
  }

  /**
   * What a group has committed of `topics`, or of all when these are null. `requireStable`: what is being committed is waited
   * for (KIP-447).
   */
  async fetchOffsets(
    context: GroupRequestContext,
    request: OffsetFetchGroup,
    requireStable: boolean,
  ): Promise<OffsetFetchGroupResponse> {
    const coordinators = this.#coordinators
    const failed = (errorCode: ErrorCode) => offsetFetchError(request, errorCode, context.apiVersion)
    if (coordinators === undefined) return failed(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    const { groupId, topics } = request
    const fetch = (shard: GroupCoordinatorShard, committedOffset: number | undefined) =>
      topics === null
        ? shard.offsets.fetchAllOffsets(request, committedOffset)
        : shard.offsets.fetchOffsets({ ...request, topics }, committedOffset)
    try {
      if (requireStable) {
        return await this.#write('fetch-offsets', groupId, shard => ({
          records: [],
          response: fetch(shard, undefined),
        }))
      }
      return await coordinators.scheduleReadOperation(this.#topicPartitionFor(groupId), fetch)
    } catch (error) {
      const errorCode = this.#errorOf(error, 'fetch-offsets')
      // Clients before 3.9 know no better answer; it also makes them look for the coordinator, which this may be no longer.
      if (errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) return failed(ErrorCode.NOT_COORDINATOR)
      return failed(errorCode)
    }
  }

  async deleteOffsets(request: OffsetDeleteRequest): Promise<OffsetDeleteResponseInput> {
    const { groupId } = request
    const failed = (errorCode: ErrorCode) => ({ errorCode, topics: [] })
    const invalid = this.#invalidGroup(groupId)
    if (invalid !== undefined) return failed(invalid)
    try {
      return await this.#write('delete-offsets', groupId, shard => shard.offsets.deleteOffsets(request))
    } catch (error) {
      return failed(this.#errorOf(error, 'delete-offsets'))
    }
  }

  #sum(count: (shard: GroupCoordinatorShard) => number): number {
    const shards = this.#coordinators?.activeShards ?? []
    return shards.reduce((sum, shard) => sum + count(shard), 0)
  }

  #active(): Coordinators {
    if (this.#coordinators === undefined) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return this.#coordinators
  }

  /** Why no group of that id can be served at all. */
  #invalidGroup(groupId: string): ErrorCode | undefined {
    if (this.#coordinators === undefined) return ErrorCode.COORDINATOR_NOT_AVAILABLE
    return groupId === '' ? ErrorCode.INVALID_GROUP_ID : undefined
  }

  #topicPartitionFor(groupId: string): TopicPartition {
    return { topic: GROUP_METADATA_TOPIC, partition: this.partitionFor(groupId) }
  }

  #byPartition(groupIds: readonly string[]): [TopicPartition, string[]][] {
    const byPartition = new Map<number, string[]>()
    for (const groupId of groupIds) {
      const partition = this.partitionFor(groupId)
      const ids = byPartition.get(partition)
      if (ids === undefined) byPartition.set(partition, [groupId])
      else ids.push(groupId)
    }
    return [...byPartition].map(([partition, ids]) => [{ topic: GROUP_METADATA_TOPIC, partition }, ids])
  }

  async #write<T>(name: string, groupId: string, operation: Operation<T>): Promise<T> {
    const { offsetCommitTimeoutMs } = this.#config
    return this.#active().scheduleWriteOperation(
      name,
      this.#topicPartitionFor(groupId),
      offsetCommitTimeoutMs,
      operation,
    )
  }

  #errorOf(error: unknown, where: string): ErrorCode {
    return coordinatorErrorOf(error, unexpected => this.#options.onUnexpectedError(unexpected, where))
  }
}
