import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../protocol/apis/create-partitions.ts'
import type { CreateTopicsRequest, CreateTopicsResponse } from '../protocol/apis/create-topics.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { BrokerLeadershipControl } from './broker-leadership-control.ts'
import type { ClusterControlManager } from './cluster-control-manager.ts'
import { type ConfigurationControlManager, tooManyRecords } from './configuration-control-manager.ts'
import type { BrokerHeartbeatReply, BrokerHeartbeatRequest } from './controller-channel.ts'
import { type ControllerResult, MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { MetadataRecord } from './metadata-records.ts'
import type { CreatableTopic, PartitionAssignment, TopicAssigner } from './topic-creation.ts'
import { collisionKey, hasCollisionChars, validateTopicName } from './topic-name.ts'

type CreatableTopicResult = CreateTopicsResponse['topics'][number]
type CreatePartitionsTopic = CreatePartitionsRequest['topics'][number]

export interface ReplicationControlParts {
  readonly state: ControllerState
  readonly cluster: ClusterControlManager
  readonly configuration: ConfigurationControlManager
  readonly leadership: BrokerLeadershipControl
  readonly assigner: TopicAssigner
  /** Draws an id that no topic has, or ever had. */
  readonly newTopicId: () => string
}

/** Topics, their partitions, and who leads them. Kafka's class of the same name. */
export class ReplicationControlManager {
  readonly #parts: ReplicationControlParts

  constructor(parts: ReplicationControlParts) {
    this.#parts = parts
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
  processBrokerHeartbeat(request: BrokerHeartbeatRequest): ControllerResult<BrokerHeartbeatReply> {
    const { cluster, leadership } = this.#parts
    const { brokerId } = request
    // A registration and what came with it are one batch, so its offset is reached where its epoch is.
    const { epoch } = cluster.checkBrokerEpoch(brokerId, request.brokerEpoch)
    const heartbeats = cluster.heartbeatManager
    const { current, next } = heartbeats.calculateNextBrokerState(request, epoch, () =>
      leadership.hasLeaderships(brokerId),
    )
    const records: MetadataRecord[] = []
    if (current !== next) {
      if (next === 'UNFENCED') records.push(...leadership.unfence(brokerId))
      else if (next === 'CONTROLLED_SHUTDOWN') records.push(...leadership.controlledShutdown(brokerId))
      else records.push(...leadership.fence(brokerId))
    }
    const isFenced = next === 'FENCED' || next === 'SHUTDOWN_NOW'
    heartbeats.touch(brokerId, isFenced, request.currentMetadataOffset)
    records.push(...leadership.directoriesOffline(brokerId, request.offlineLogDirs))
    const isCaughtUp = request.currentMetadataOffset >= epoch
    return { records, response: { isCaughtUp, isFenced, shouldShutDown: next === 'SHUTDOWN_NOW' } }
  }

  /** The records of a heartbeat that began a controlled shutdown will end at this offset. */
  heartbeatAppended(request: BrokerHeartbeatRequest, lastOffset: number): void {
    const { cluster } = this.#parts
    if (cluster.registration(request.brokerId)?.inControlledShutdown !== true) return
    if (cluster.registration(request.brokerId)?.fenced === true) return
    cluster.heartbeatManager.maybeUpdateControlledShutdownOffset(request.brokerId, lastOffset)
  }

  /** Fences the broker that was silent for longest, if its session has ended. */
  maybeFenceOneStaleBroker(): ControllerResult<undefined> {
    const stale = this.#parts.cluster.heartbeatManager.findOneStaleBroker()
    return { records: stale === undefined ? [] : this.#parts.leadership.fence(stale), response: undefined }
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
