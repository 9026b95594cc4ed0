import { CLUSTER_METADATA_TOPIC } from '../log/internal-topics.ts'
import type { AlterConfigsRequest, AlterConfigsResponse } from '../protocol/apis/alter-configs.ts'
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
import type { DeleteTopicsRequest, DeleteTopicsResponse } from '../protocol/apis/delete-topics.ts'
import type { ElectLeadersRequest, ElectLeadersResponse } from '../protocol/apis/elect-leaders.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../protocol/apis/incremental-alter-configs.ts'
import type {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../protocol/apis/list-partition-reassignments.ts'
import type { UnregisterBrokerRequest, UnregisterBrokerResponse } from '../protocol/apis/unregister-broker.ts'
import {
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
  UpgradeType,
} from '../protocol/apis/update-features.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type ConfigResource, configResourceType, configResourceTypeId, resourceKey } from './config-resource.ts'
import type {
  AllocateProducerIdsReply,
  AllocateProducerIdsRequest,
  BrokerHeartbeatReply,
  BrokerHeartbeatRequest,
  BrokerRegistrationReply,
  BrokerRegistrationRequest,
  ControllerChannel,
} from './controller-channel.ts'
import type { QuorumController } from './quorum-controller.ts'
import { listReassignments } from './reassignment-control.ts'
import { failedTopic } from './replication-control-manager.ts'

export interface ControllerApisOptions {
  /** `delete.topic.enable`. */
  readonly deleteTopicEnable: boolean
}

type AlterResult = AlterConfigsResponse['responses'][number]
type DeletableTopicResult = DeleteTopicsResponse['responses'][number]

interface AlterResource {
  readonly resourceType: number
  readonly resourceName: string
}

/**
 * The controller's side of the requests that brokers send it: looks after duplicates and what names mean, and leaves the
 * rest to the controller. Kafka's ControllerApis, without its authorization.
 */
export class ControllerApis implements ControllerChannel {
  readonly #runtime: Runtime
  readonly #controller: QuorumController
  readonly #options: ControllerApisOptions

  constructor(runtime: Runtime, controller: QuorumController, options: ControllerApisOptions) {
    this.#runtime = runtime
    this.#controller = controller
    this.#options = options
  }

  async createTopics(request: CreateTopicsRequest): Promise<CreateTopicsResponse> {
    const duplicates = duplicatesOf(request.topics.map(topic => topic.name))
    const refused = (name: string, message: string) =>
      failedTopic(name, new ApiError(ErrorCode.INVALID_REQUEST, message))
    const topics = request.topics.filter(({ name }) => !duplicates.has(name) && name !== CLUSTER_METADATA_TOPIC)
    const response = await this.#controller.createTopics({ ...request, topics }, this.#deadlineMs(request.timeoutMs))
    const extra = [...duplicates].map(name => refused(name, 'Duplicate topic name.'))
    if (request.topics.some(({ name }) => name === CLUSTER_METADATA_TOPIC) && !duplicates.has(CLUSTER_METADATA_TOPIC)) {
      const message = `Creation of internal topic ${CLUSTER_METADATA_TOPIC} is prohibited.`
      extra.push(refused(CLUSTER_METADATA_TOPIC, message))
    }
    return { ...response, topics: [...response.topics, ...extra] }
  }

  async deleteTopics(request: DeleteTopicsRequest): Promise<DeleteTopicsResponse> {
    if (!this.#options.deleteTopicEnable) throw new ApiError(ErrorCode.TOPIC_DELETION_DISABLED)
    const deadlineMs = this.#deadlineMs(request.timeoutMs)
    const responses: DeletableTopicResult[] = []
    const wanted = wantedTopics(request, responses)
    const nameById = await this.#controller.read(
      'findTopics',
      ({ topics }) => {
        const found = new Map<string, string>()
        for (const id of wanted.ids) {
          const topic = topics.getTopicById(id)
          if (topic === undefined) responses.push(deleted(null, id, new ApiError(ErrorCode.UNKNOWN_TOPIC_ID)))
          else found.set(id, topic.name)
        }
        for (const name of wanted.names) {
          const id = topics.getTopic(name)?.id
          if (id === undefined) {
            responses.push(deleted(name, ZERO_UUID, new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)))
          } else if (wanted.duplicateIds.has(id) || found.delete(id)) {
            const message = 'The provided topic name maps to an ID that was already supplied.'
            responses.push(deleted(name, id, new ApiError(ErrorCode.INVALID_REQUEST, message)))
          } else {
            found.set(id, name)
          }
        }
        return found
      },
      deadlineMs,
    )
    const results = await this.#controller.deleteTopics([...nameById.keys()], deadlineMs)
    for (const [id, error] of results) responses.push(deleted(nameById.get(id) ?? null, id, error))
    return { throttleTimeMs: 0, responses }
  }

  async createPartitions(request: CreatePartitionsRequest): Promise<CreatePartitionsResponse> {
    const duplicates = duplicatesOf(request.topics.map(topic => topic.name))
    const topics = request.topics.filter(({ name }) => !duplicates.has(name))
    const refused = [...duplicates].map(name => ({
      name,
      errorCode: ErrorCode.INVALID_REQUEST,
      errorMessage: 'Duplicate topic name.',
    }))
    const deadlineMs = this.#deadlineMs(request.timeoutMs)
    const results = await this.#controller.createPartitions({ ...request, topics }, deadlineMs)
    return { throttleTimeMs: 0, results: [...refused, ...results] }
  }

  async incrementalAlterConfigs(request: IncrementalAlterConfigsRequest): Promise<IncrementalAlterConfigsResponse> {
    const responses: AlterResult[] = []
    const changes = distinctResources(request.resources, responses).map(({ resource, request: { configs } }) => ({
      resource,
      changes: configs.map(({ name, configOperation, value }) => ({ key: name, operation: configOperation, value })),
    }))
    const results = await this.#controller.incrementalAlterConfigs(changes, request.validateOnly)
    for (const { resource } of changes) responses.push(altered(resource, results.get(resourceKey(resource))))
    return { throttleTimeMs: 0, responses }
  }

  async legacyAlterConfigs(request: AlterConfigsRequest): Promise<AlterConfigsResponse> {
    const responses: AlterResult[] = []
    const changes = distinctResources(request.resources, responses).map(({ resource, request: { configs } }) => ({
      resource,
      configs: new Map(configs.map(({ name, value }) => [name, value])),
    }))
    const results = await this.#controller.legacyAlterConfigs(changes, request.validateOnly)
    for (const { resource } of changes) responses.push(altered(resource, results.get(resourceKey(resource))))
    return { throttleTimeMs: 0, responses }
  }

  registerBroker(request: BrokerRegistrationRequest): Promise<BrokerRegistrationReply> {
    return this.#controller.registerBroker(request)
  }

  brokerHeartbeat(request: BrokerHeartbeatRequest): Promise<BrokerHeartbeatReply> {
    return this.#controller.processBrokerHeartbeat(request)
  }

  allocateProducerIds(request: AllocateProducerIdsRequest): Promise<AllocateProducerIdsReply> {
    return this.#controller.allocateProducerIds(request)
  }

  async alterPartition(request: AlterPartitionRequest): Promise<AlterPartitionResponse> {
    try {
      return await this.#controller.alterPartition(request)
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: apiError(error).code, topics: [] }
    }
  }

  electLeaders(request: ElectLeadersRequest): Promise<ElectLeadersResponse> {
    return this.#controller.electLeaders(request, this.#deadlineMs(request.timeoutMs))
  }

  alterPartitionReassignments(
    request: AlterPartitionReassignmentsRequest,
  ): Promise<AlterPartitionReassignmentsResponse> {
    return this.#controller.alterPartitionReassignments(request, this.#deadlineMs(request.timeoutMs))
  }

  listPartitionReassignments(request: ListPartitionReassignmentsRequest): Promise<ListPartitionReassignmentsResponse> {
    return this.#controller.read(
      'listPartitionReassignments',
      ({ topics }) => listReassignments(topics, request),
      this.#deadlineMs(request.timeoutMs),
    )
  }

  async updateFeatures(request: UpdateFeaturesRequest): Promise<UpdateFeaturesResponse> {
    const updates = request.featureUpdates.map(({ feature, maxVersionLevel, allowDowngrade, upgradeType }) => ({
      feature,
      level: maxVersionLevel,
      upgradeType: allowDowngrade ? UpgradeType.SAFE_DOWNGRADE : upgradeType,
    }))
    try {
      await this.#controller.updateFeatures(updates, request.validateOnly)
    } catch (error) {
      const { code, message } = responseError(error, ErrorCode.INVALID_UPDATE_VERSION)
      const errorMessage = `The update failed for all features since the following feature had an error: ${message}`
      return { throttleTimeMs: 0, errorCode: code, errorMessage, results: [] }
    }
    const results = updates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null }))
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results }
  }

  async unregisterBroker(request: UnregisterBrokerRequest): Promise<UnregisterBrokerResponse> {
    try {
      await this.#controller.unregisterBroker(request.brokerId)
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null }
    } catch (error) {
      const { code, message } = responseError(error, ErrorCode.BROKER_ID_NOT_REGISTERED)
      return { throttleTimeMs: 0, errorCode: code, errorMessage: message }
    }
  }

  async assignReplicasToDirs(request: AssignReplicasToDirsRequest): Promise<AssignReplicasToDirsResponse> {
    try {
      return await this.#controller.assignReplicasToDirs(request)
    } catch (error) {
      return { throttleTimeMs: 0, errorCode: apiError(error).code, directories: [] }
    }
  }

  #deadlineMs(timeoutMs: number): number {
    return this.#runtime.clock.monotonicMs() + timeoutMs
  }
}

interface WantedTopics {
  readonly names: ReadonlySet<string>
  readonly ids: ReadonlySet<string>
  readonly duplicateIds: ReadonlySet<string>
}

/** Whom a DeleteTopics request means, by name or by id. What it says twice or not at all is answered at once. */
function wantedTopics(request: DeleteTopicsRequest, responses: DeletableTopicResult[]): WantedTopics {
  const invalid = (name: string | null, id: string, message: string) =>
    responses.push(deleted(name, id, new ApiError(ErrorCode.INVALID_REQUEST, message)))
  const names: string[] = [...request.topicNames]
  const ids: string[] = []
  for (const { name, topicId } of request.topics) {
    if (name !== null && topicId !== ZERO_UUID) {
      invalid(name, topicId, 'You may not specify both topic name and topic id.')
    } else if (name !== null) {
      names.push(name)
    } else if (topicId === ZERO_UUID) {
      invalid(null, ZERO_UUID, 'Neither topic name nor id were specified.')
    } else {
      ids.push(topicId)
    }
  }
  const duplicateNames = duplicatesOf(names)
  const duplicateIds = duplicatesOf(ids)
  for (const name of duplicateNames) invalid(name, ZERO_UUID, 'Duplicate topic name.')
  for (const id of duplicateIds) invalid(null, id, 'Duplicate topic id.')
  return {
    names: new Set(names.filter(name => !duplicateNames.has(name))),
    ids: new Set(ids.filter(id => !duplicateIds.has(id))),
    duplicateIds,
  }
}

/** The resources that are named once and known; the others are answered at once. */
function distinctResources<R extends AlterResource>(
  requests: readonly R[],
  responses: AlterResult[],
): { readonly resource: ConfigResource; readonly request: R }[] {
  const duplicates = duplicatesOf(requests.map(({ resourceType, resourceName }) => `${resourceType}:${resourceName}`))
  const answered = new Set<string>()
  const distinct: { resource: ConfigResource; request: R }[] = []
  for (const request of requests) {
    const { resourceType, resourceName } = request
    const resource: ConfigResource = { type: configResourceType(resourceType), name: resourceName }
    const key = `${resourceType}:${resourceName}`
    const refused = (errorCode: number, errorMessage: string) =>
      responses.push({ errorCode, errorMessage, resourceType, resourceName })
    if (resource.type === 'UNKNOWN') refused(ErrorCode.UNSUPPORTED_VERSION, `Unknown resource type ${resourceType}.`)
    else if (!duplicates.has(key)) distinct.push({ resource, request })
    else if (!answered.has(key)) refused(ErrorCode.INVALID_REQUEST, 'Duplicate resource.')
    answered.add(key)
  }
  return distinct
}

function altered(resource: ConfigResource, error: ApiError | undefined): AlterResult {
  return {
    errorCode: error?.code ?? ErrorCode.NONE,
    errorMessage: error?.message ?? null,
    resourceType: configResourceTypeId(resource.type),
    resourceName: resource.name,
  }
}

function deleted(name: string | null, topicId: string, error: ApiError | undefined): DeletableTopicResult {
  return { name, topicId, errorCode: error?.code ?? ErrorCode.NONE, errorMessage: error?.message ?? null }
}

function duplicatesOf(names: readonly string[]): Set<string> {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) duplicates.add(name)
    seen.add(name)
  }
  return duplicates
}

/** The error as one of Kafka's; any other is thrown. */
function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  throw error
}

/** An error that stands in the response; others, such as NOT_CONTROLLER, are thrown. */
function responseError(error: unknown, code: ErrorCode): ApiError {
  if (error instanceof ApiError && error.code === code) return error
  throw error
}
