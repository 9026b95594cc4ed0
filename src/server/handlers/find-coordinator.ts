import { CoordinatorType, FindCoordinator } from '../../protocol/apis/find-coordinator.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'

/** First version that asks for several coordinators at once. */
const FIRST_BATCHED_VERSION = 4
const NO_NODE = { nodeId: -1, host: '', port: -1 }

/**
 * There are no coordinators yet, and so none is available, which clients look for again. Kafka answers the same while the
 * coordinators' topics cannot be created.
 */
export const findCoordinatorHandler: ApiHandler = {
  api: FindCoordinator,

  handle(context, request) {
    const { keyType } = request.bodyOf(FindCoordinator)
    const known = keyType === CoordinatorType.GROUP || keyType === CoordinatorType.TRANSACTION
    if (known) this.sendError(context, request, ErrorCode.COORDINATOR_NOT_AVAILABLE)
    else this.sendError(context, request, ErrorCode.INVALID_REQUEST, `coordinators of type ${keyType} do not exist`)
  },

  sendError(context, request, errorCode, message) {
    const answer = { errorCode, errorMessage: message ?? null, ...NO_NODE }
    const { coordinatorKeys } = request.bodyOf(FindCoordinator)
    const batched = request.header.apiVersion >= FIRST_BATCHED_VERSION
    context.requestChannel.sendResponse(
      request,
      FindCoordinator,
      batched ? { coordinators: coordinatorKeys.map(key => ({ key, ...answer })) } : answer,
    )
  },
}
