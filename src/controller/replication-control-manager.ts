import type { AlterPartitionRequest, AlterPartitionResponse } from '../protocol/apis/alter-partition.ts'
import type {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../protocol/apis/alter-partition-reassignments.ts'
import type {
  AssignReplicasToDirsRequest,
  AssignReplicasToDirsResponse,
} from '../protocol/apis/assign-replicas-to-dirs.ts'
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/apis/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/apis/elect-leaders.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import { AlterPartitionControl } from './alter-partition-control.ts'
import { BrokerLeadershipControl } from './broker-leadership-control.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import { type ConfigurationControlManager, tooManyRecords } from './configuration-control-manager.ts'
import type { BrokerHeartbeatReply, BrokerHeartbeatRequest } from './controller-channel.ts'
import { type ControllerResult, MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import { DirectoryControl } from './directory-control.ts'
import { ElectionControl } from './election-control.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import type { MetadataRecord } from './metadata-records.ts'
import { PartitionChanges } from './partition-changes.ts'
import { ReassignmentControl } from './reassignment-control.ts'
import type { CreatableTopic, PartitionAssignment, TopicAssigner } from './topic-creation.ts'
import { collisionKey, hasCollisionChars, validateTopicName } from './topic-name.ts'

type CreatableTopicResult = CreateTopicsResponse['topics'][number]
type CreatePartitionsTopic = CreatePartitionsRequest['topics'][number]

export interface ReplicationControlParts {
  readonly state: ControllerState
  readonly cluster: ClusterControlManager
  readonly configuration: ConfigurationControlManager
  readonly features: FeatureControlManager
  readonly assigner: TopicAssigner
  /** Draws an id that no topic has, or ever had. */
  readonly newTopicId: () => string
}

/** What a heartbeat leads to. */
export interface HeartbeatResult extends ControllerResult<BrokerHeartbeatReply> {
  /** The broker is in controlled shutdown now. */
  readonly inControlledShutdown: boolean
}

/** Topics, their partitions, and who leads them. Kafka's class of the same name. */
export class ReplicationControlManager {
  readonly #parts: ReplicationControlParts
  readonly #leadership: BrokerLeadershipControl
  readonly #alterPartition: AlterPartitionControl
  readonly #elections: ElectionControl
  readonly #reassignments: ReassignmentControl
  readonly #directories: DirectoryControl

  constructor(parts: ReplicationControlParts) {
    const { state, cluster, configuration, features, assigner } = parts
    const changes = new PartitionChanges(state, cluster, configuration, features)
    this.#parts = parts
    this.#leadership = new BrokerLeadershipControl(state, cluster, features, changes)
    this.#alterPartition = new AlterPartitionControl(state, cluster, changes)
    this.#elections = new ElectionControl(state, changes)
    this.#reassignments = new ReassignmentControl(state, changes, assigner)
    this.#directories = new DirectoryControl(state, cluster, changes, this.#leadership)
  }

  /** See `AlterPartitionControl`. */
  alterPartition(request: AlterPartitionRequest): ControllerResult<AlterPartitionResponse> {
    return this.#alterPartition.alterPartition(request)
  }

  /** See `ElectionControl`. */
  electLeaders(request: ElectLeadersRequest): ControllerResult<ElectLeadersResponse> {
    return this.#elections.electLeaders(request)
  }

  /** See `ElectionControl`. */
  maybeBalancePartitionLeaders(): ControllerResult<boolean> {
    return this.#elections.maybeBalancePartitionLeaders()
  }

  /** See `ElectionControl`. */
  maybeElectUncleanLeaders(): ControllerResult<boolean> {
    return this.#elections.maybeElectUncleanLeaders()
  }

  /** See `ReassignmentControl`. */
  alterPartitionReassignments(
    request: AlterPartitionReassignmentsRequest,
  ): ControllerResult<AlterPartitionReassignmentsResponse> {
    return this.#reassignments.alterPartitionReassignments(request)
  }

  /** See `DirectoryControl`. */
  assignReplicasToDirs(request: AssignReplicasToDirsRequest): ControllerResult<AssignReplicasToDirsResponse> {
    return this.#directories.assignReplicasToDirs(request)
  }

  /** See `BrokerLeadershipControl.shutdown`. */
  brokerShutdownRecords(brokerId: number, isCleanShutdown: boolean): MetadataRecord[] {
    return this.#leadership.shutdown(brokerId, isCleanShutdown)
  }

  /** Throws BROKER_ID_NOT_REGISTERED. */
  unregisterBroker(brokerId: number): ControllerResult<undefined> {
    if (this.#parts.cluster.registration(brokerId) === undefined) {
      throw new ApiError(ErrorCode.BROKER_ID_NOT_REGISTERED, `Broker ID ${brokerId} is not currently registered`)
    }
    return { records: this.#leadership.unregister(brokerId), response: undefined }
  }

  /** Creates what can be created; each topic that cannot be has its error in the response. */
  createTopics(request: CreateTopicsRequest): ControllerResult<CreateTopicsResponse> {
    const records: MetadataRecord[] = []
    const topics: CreatableTopicResult[] = []
    const collisions = this.#collisions()
    for (const topic of request.topics) {
      try {
        this.#validateNewTopic(topic, collisions)
        topics.push(this.#createTopic(topic, records))
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        topics.push(failedTopic(topic.name, error))
      }
      if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
    }
    return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, topics } }
  }

  /** Error by topic id; undefined for a topic that goes. */
  deleteTopics(ids: readonly string[]): ControllerResult<ReadonlyMap<string, ApiError | undefined>> {
    const records: MetadataRecord[] = []
    const response = new Map<string, ApiError | undefined>()
    for (const topicId of ids) {
      const known = this.#parts.state.current.topics.getTopicById(topicId) !== undefined
      response.set(topicId, known ? undefined : new ApiError(ErrorCode.UNKNOWN_TOPIC_ID))
      if (known) records.push({ type: 'RemoveTopicRecord', data: { topicId } })
    }
    if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
    return { records, response }
  }

  /** Adds partitions; each topic that cannot have them has its error in the response. */
  createPartitions(request: CreatePartitionsRequest): ControllerResult<CreatePartitionsResponse['results']> {
    const records: MetadataRecord[] = []
    const results: CreatePartitionsResponse['results'][number][] = []
    for (const topic of request.topics) {
      try {
        records.push(...this.#newPartitions(topic))
        results.push({ name: topic.name, errorCode: ErrorCode.NONE, errorMessage: null })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        results.push({ name: topic.name, errorCode: error.code, errorMessage: error.message })
      }
      if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
    }
    return { records: request.validateOnly ? [] : records, response: results }
  }

  /** Throws STALE_BROKER_EPOCH for an incarnation that is not registered. */
  processBrokerHeartbeat(request: BrokerHeartbeatRequest): HeartbeatResult {
    const { cluster } = this.#parts
    const { brokerId } = request
    // A registration and what came with it are one batch, so its offset is reached where its epoch is.
    const { epoch, fenced } = cluster.checkBrokerEpoch(brokerId, request.brokerEpoch)
    const heartbeats = cluster.heartbeatManager
    const { current, next } = heartbeats.calculateNextBrokerState(request, epoch, () =>
      this.#leadership.hasLeaderships(brokerId),
    )
    const records: MetadataRecord[] = []
    if (current !== next) {
      if (next === 'UNFENCED') records.push(...this.#leadership.unfence(brokerId))
      else if (next === 'CONTROLLED_SHUTDOWN') records.push(...this.#leadership.controlledShutdown(brokerId))
      else records.push(...this.#leadership.fence(brokerId))
    }
    // Whether it is fenced changes with the records, for these may find no room in the log.
    heartbeats.touch(brokerId, fenced, request.currentMetadataOffset)
    if (request.offlineLogDirs.length > 0) {
      records.push(...this.#leadership.directoriesOffline(brokerId, request.offlineLogDirs))
    }
    const isCaughtUp = request.currentMetadataOffset >= epoch
    return {
      records,
      response: {
        isCaughtUp,
        isFenced: next === 'FENCED' || next === 'SHUTDOWN_NOW',
        shouldShutDown: next === 'SHUTDOWN_NOW',
      },
      inControlledShutdown: next === 'CONTROLLED_SHUTDOWN',
    }
  }

  /** Everything up to this offset must be known to the others before the broker may go. */
  controlledShutdownAppended(brokerId: number, lastOffset: number): void {
    this.#parts.cluster.heartbeatManager.maybeUpdateControlledShutdownOffset(brokerId, lastOffset)
  }

  /** Fences the broker that was silent for longest, if its session has ended. */
  maybeFenceOneStaleBroker(): ControllerResult<boolean> {
    const stale = this.#parts.cluster.heartbeatManager.findOneStaleBroker()
    if (stale === undefined) return { records: [], response: false }
    return { records: this.#leadership.fence(stale), response: true }
  }

  #collisions(): Map<string, string> {
    const collisions = new Map<string, string>()
    for (const name of this.#parts.state.current.topics.topicsByName.keys()) {
      if (hasCollisionChars(name)) collisions.set(collisionKey(name), name)
    }
    return collisions
  }

  #validateNewTopic({ name, configs }: CreatableTopic, collisions: ReadonlyMap<string, string>): void {
    validateTopicName(name)
    if (this.#parts.state.current.topics.getTopic(name) !== undefined) {
      throw new ApiError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${name}' already exists.`)
    }
    const colliding = hasCollisionChars(name) ? collisions.get(collisionKey(name)) : undefined
    if (colliding !== undefined) {
      throw new ApiError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        `Topic '${name}' collides with existing topic: ${colliding}`,
      )
    }
    const nullConfigs = configs.filter(config => config.value === null).map(config => config.name)
    if (nullConfigs.length > 0) {
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Null value not supported for topic configs: ${nullConfigs.join(',')}`,
      )
    }
  }

  /** Adds the records of a topic, or throws ApiError and adds none. */
  #createTopic(topic: CreatableTopic, records: MetadataRecord[]): CreatableTopicResult {
    const { configuration, assigner, newTopicId } = this.#parts
    const { name } = topic
    const configs = new Map(topic.configs.map(config => [config.name, config.value ?? '']))
    const configRecords = configuration.newTopicRecords(name, configs)
    const assignments = assigner.assign(topic)
    const topicId = newTopicId()
    records.push({ type: 'TopicRecord', data: { name, topicId } })
    records.push(...configRecords, ...this.#partitionRecords(topicId, 0, assignments))
    return {
      name,
      topicId,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      topicConfigErrorCode: ErrorCode.NONE,
      numPartitions: assignments.length,
      replicationFactor: assignments[0]?.replicas.length ?? -1,
      configs: configuration.effectiveTopicConfigs(configs).map(entry => ({
        name: entry.name,
        value: entry.isSensitive ? null : entry.value,
        readOnly: entry.isReadOnly,
        configSource: entry.source,
        isSensitive: entry.isSensitive,
      })),
    }
  }

  #newPartitions({ name, count, assignments }: CreatePartitionsTopic): MetadataRecord[] {
    const { assigner, state } = this.#parts
    const topic = state.current.topics.getTopic(name)
    if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const present = topic.partitions.size
    if (count === present) {
      throw new ApiError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${present} partition(s).`)
    }
    if (count < present) {
      throw new ApiError(
        ErrorCode.INVALID_PARTITIONS,
        `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`,
      )
    }
    const replicationFactor = topic.partitions.get(0)?.replicas.length ?? 1
    if (assignments === null) {
      return this.#partitionRecords(topic.id, present, assigner.place(count - present, replicationFactor))
    }
    if (assignments.length !== count - present) {
      throw new ApiError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Attempted to add ${count - present} additional partition(s), but only ${assignments.length} assignment(s) ` +
          'were specified.',
      )
    }
    const chosen = assignments.map(({ brokerIds }, index) =>
      assigner.validateManual(brokerIds, present + index, replicationFactor),
    )
    return this.#partitionRecords(topic.id, present, chosen)
  }

  #partitionRecords(topicId: string, first: number, assignments: readonly PartitionAssignment[]): MetadataRecord[] {
    return assignments.map((assignment, index) =>
      this.#parts.assigner.partitionRecord(topicId, first + index, assignment),
    )
  }
}

/** The answer for a topic that was not created. */
export function failedTopic(name: string, error: ApiError): CreatableTopicResult {
  return {
    name,
    topicId: ZERO_UUID,
    errorCode: error.code,
    errorMessage: error.message,
    topicConfigErrorCode: ErrorCode.NONE,
    numPartitions: -1,
    replicationFactor: -1,
    configs: [],
  }
}
