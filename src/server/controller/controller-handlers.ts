import type { ControllerChannel } from '../../controller/controller-channel.ts'
import type { Request } from '../../network/request.ts'
import type { Api } from '../../protocol/api.ts'
import { AllocateProducerIds } from '../../protocol/apis/allocate-producer-ids.ts'
import { AlterConfigs } from '../../protocol/apis/alter-configs.ts'
import { AlterPartition } from '../../protocol/apis/alter-partition.ts'
import { AlterPartitionReassignments } from '../../protocol/apis/alter-partition-reassignments.ts'
import { AssignReplicasToDirs } from '../../protocol/apis/assign-replicas-to-dirs.ts'
import { BrokerHeartbeat } from '../../protocol/apis/broker-heartbeat.ts'
import { BrokerRegistration } from '../../protocol/apis/broker-registration.ts'
import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { ElectLeaders } from '../../protocol/apis/elect-leaders.ts'
import { Envelope } from '../../protocol/apis/envelope.ts'
import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { ListPartitionReassignments } from '../../protocol/apis/list-partition-reassignments.ts'
import { UnregisterBroker } from '../../protocol/apis/unregister-broker.ts'
import { UpdateFeatures } from '../../protocol/apis/update-features.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../../protocol/schema.ts'
import type { ApiHandler } from '../api-handler.ts'
import { alterConfigsHandler } from '../handlers/alter-configs.ts'
import { alterPartitionReassignmentsHandler } from '../handlers/alter-partition-reassignments.ts'
import { apiVersionsHandler } from '../handlers/api-versions.ts'
import { createPartitionsHandler } from '../handlers/create-partitions.ts'
import { createTopicsHandler } from '../handlers/create-topics.ts'
import { deleteTopicsHandler } from '../handlers/delete-topics.ts'
import { electLeadersHandler } from '../handlers/elect-leaders.ts'
import type { ErrorBody } from '../handlers/forwarded.ts'
import { incrementalAlterConfigsHandler } from '../handlers/incremental-alter-configs.ts'
import { listPartitionReassignmentsHandler } from '../handlers/list-partition-reassignments.ts'
import { unregisterBrokerHandler } from '../handlers/unregister-broker.ts'
import { updateFeaturesHandler } from '../handlers/update-features.ts'
import type { ControllerApiContext } from './controller-api-context.ts'
import { describeControllersHandler } from './describe-controllers.ts'
import { RAFT_HANDLERS } from './raft-handlers.ts'

type Handler = ApiHandler<ControllerApiContext>

/** First version whose clients know TOPIC_DELETION_DISABLED. */
const FIRST_VERSION_DELETION_DISABLED = 3

/**
 * A request that the controller works on in its own time; the handler's thread goes on, so that no request waits behind
 * one that the metadata log is slow to commit.
 */
function controllerHandler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  call: (controller: ControllerChannel, body: Message<Q>, request: Request) => Promise<MessageInput<S>>,
  sendError: Handler['sendError'],
): Handler {
  return {
    api: api as unknown as Api,
    background: true,
    async handle({ controller, requestChannel }, request) {
      requestChannel.sendResponse(request, api, await call(controller, request.bodyOf(api), request))
    },
    sendError,
  }
}

/** What clients may ask through a broker; a broker answers its failures in the same way. */
const ADMIN_HANDLERS: readonly Handler[] = [
  controllerHandler(CreateTopics, (controller, body) => controller.createTopics(body), createTopicsHandler.sendError),
  controllerHandler(DeleteTopics, deleteTopics, deleteTopicsHandler.sendError),
  controllerHandler(
    AlterConfigs,
    (controller, body) => controller.legacyAlterConfigs(body),
    alterConfigsHandler.sendError,
  ),
  controllerHandler(
    CreatePartitions,
    (controller, body) => controller.createPartitions(body),
    createPartitionsHandler.sendError,
  ),
  controllerHandler(ElectLeaders, (controller, body) => controller.electLeaders(body), electLeadersHandler.sendError),
  controllerHandler(
    IncrementalAlterConfigs,
    (controller, body) => controller.incrementalAlterConfigs(body),
    incrementalAlterConfigsHandler.sendError,
  ),
  controllerHandler(
    AlterPartitionReassignments,
    (controller, body) => controller.alterPartitionReassignments(body),
    alterPartitionReassignmentsHandler.sendError,
  ),
  controllerHandler(
    ListPartitionReassignments,
    (controller, body) => controller.listPartitionReassignments(body),
    listPartitionReassignmentsHandler.sendError,
  ),
  controllerHandler(
    UpdateFeatures,
    (controller, body) => controller.updateFeatures(body),
    updateFeaturesHandler.sendError,
  ),
  controllerHandler(
    UnregisterBroker,
    (controller, body) => controller.unregisterBroker(body),
    unregisterBrokerHandler.sendError,
  ),
]

/** What brokers ask on their own account. */
const BROKER_HANDLERS: readonly Handler[] = [
  controllerHandler(
    AlterPartition,
    (controller, body) => controller.alterPartition(body),
    withErrorBody(AlterPartition, (_body, { errorCode }) => ({ errorCode, topics: [] })),
  ),
  controllerHandler(
    BrokerRegistration,
    (controller, body) => controller.registerBroker(body),
    withErrorBody(BrokerRegistration, (_body, { errorCode }) => ({ errorCode })),
  ),
  controllerHandler(
    BrokerHeartbeat,
    (controller, body) => controller.brokerHeartbeat(body),
    withErrorBody(BrokerHeartbeat, (_body, { errorCode }) => ({ errorCode })),
  ),
  controllerHandler(
    AllocateProducerIds,
    (controller, body) => controller.allocateProducerIds(body),
    withErrorBody(AllocateProducerIds, (_body, { errorCode }) => ({ errorCode })),
  ),
  controllerHandler(
    AssignReplicasToDirs,
    (controller, body) => controller.assignReplicasToDirs(body),
    withErrorBody(AssignReplicasToDirs, (_body, { errorCode }) => ({ errorCode, directories: [] })),
  ),
]

/** The handlers of all APIs that a controller serves, by API key in ascending order. */
export const CONTROLLER_API_HANDLERS: ReadonlyMap<number, Handler> = new Map(
  [...RAFT_HANDLERS, ...ADMIN_HANDLERS, ...BROKER_HANDLERS, apiVersionsHandler, describeControllersHandler]
    .sort((left, right) => left.api.key - right.api.key)
    .map(handler => [handler.api.key, handler]),
)

/** Everything that a controller answers, also what is unpacked first. */
export const CONTROLLER_APIS: readonly Api[] = [
  ...[...CONTROLLER_API_HANDLERS.values()].map(({ api }) => api),
  Envelope as unknown as Api,
].sort((left, right) => left.key - right.key)

/** What a broker may forward (Kafka's `ApiKeys.forwardable`). */
export const FORWARDABLE_APIS: ReadonlySet<number> = new Set([
  ...ADMIN_HANDLERS.map(({ api }) => api.key),
  ...RAFT_HANDLERS.filter(({ api }) => api.name === 'DescribeQuorum').map(({ api }) => api.key),
])

async function deleteTopics(
  controller: ControllerChannel,
  body: Message<(typeof DeleteTopics)['request']['fields']>,
  request: Request,
): Promise<MessageInput<(typeof DeleteTopics)['response']['fields']>> {
  try {
    return await controller.deleteTopics(body)
  } catch (error) {
    const unknownToClient = request.header.apiVersion < FIRST_VERSION_DELETION_DISABLED
    if (!unknownToClient || !(error instanceof ApiError) || error.code !== ErrorCode.TOPIC_DELETION_DISABLED)
      throw error
    throw new ApiError(ErrorCode.INVALID_REQUEST, 'Topic deletion is disabled.', { cause: error })
  }
}

function withErrorBody<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  errorBody: ErrorBody<Q, S>,
): Handler['sendError'] {
  return ({ requestChannel }, request, errorCode, message) => {
    const error = { errorCode, errorMessage: message ?? null }
    requestChannel.sendResponse(request, api, errorBody(request.bodyOf(api), error, request.header.apiVersion))
  }
}
