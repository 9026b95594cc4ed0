import { GROUP_METADATA_TOPIC } from '../../coordinator/group/group-coordinator-service.ts'
import type { Request } from '../../network/request.ts'
import { CoordinatorType, FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { ApiContext, ApiHandler, ResponseContext } from '../api-handler.ts'
import { aliveNodes } from './nodes.ts'

/** First version that asks for several coordinators at once. */
const FIRST_BATCHED_VERSION = 4
const NO_NODE = { nodeId: -1, host: '', port: -1 }

interface Coordinator {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

/**
 * Who coordinates a group: the leader of the partition of `__consumer_offsets` that the group belongs to. The topic is
 * created when it is asked for first. There are no coordinators of transactions yet, so none is available.
 */
export const findCoordinatorHandler: ApiHandler = {
  api: FindCoordinator,

  handle(context, request) {
    const { key, keyType, coordinatorKeys } = request.bodyOf(FindCoordinator)
    if (request.header.apiVersion < FIRST_BATCHED_VERSION) {
      const found = find(context, request, keyType, key)
      // Kafka gives the name of "no error" for a message here.
      const errorMessage = found.errorCode === ErrorCode.NONE ? 'NONE' : found.errorMessage
      context.requestChannel.sendResponse(request, FindCoordinator, { ...found, errorMessage })
      return
    }
    const coordinators = coordinatorKeys.map(asked => ({ key: asked, ...find(context, request, keyType, asked) }))
    context.requestChannel.sendResponse(request, FindCoordinator, { coordinators })
  },

  sendError(context, request, errorCode, message) {
    sendToAll(context, request, { errorCode, errorMessage: message ?? null, ...NO_NODE })
  },
}

function sendToAll(context: ResponseContext, request: Request, answer: Coordinator): void {
  const { coordinatorKeys } = request.bodyOf(FindCoordinator)
  const batched = request.header.apiVersion >= FIRST_BATCHED_VERSION
  context.requestChannel.sendResponse(
    request,
    FindCoordinator,
    batched ? { coordinators: coordinatorKeys.map(key => ({ key, ...answer })) } : answer,
  )
}

function find(context: ApiContext, request: Request, keyType: number, key: string): Coordinator {
  if (keyType === CoordinatorType.TRANSACTION) return unavailable()
  if (keyType !== CoordinatorType.GROUP) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, `coordinators of type ${keyType} do not exist`)
  }
  const partition = context.groupCoordinator.partitionFor(key)
  const { image } = context.metadataCache
  const topic = image.topics.getTopic(GROUP_METADATA_TOPIC)
  if (topic === undefined) {
    context.autoTopicCreationManager.createTopics([GROUP_METADATA_TOPIC])
    return unavailable()
  }
  const leaderId = topic.partitions.get(partition)?.leader
  const node = aliveNodes(image, request.context.listenerName).find(({ id }) => id === leaderId)
  if (node === undefined) return unavailable()
  return { errorCode: ErrorCode.NONE, errorMessage: null, nodeId: node.id, host: node.host, port: node.port }
}

function unavailable(): Coordinator {
  return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, errorMessage: null, ...NO_NODE }
}
