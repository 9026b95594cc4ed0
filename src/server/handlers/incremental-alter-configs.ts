import { IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import type { ApiHandler } from '../api-handler.ts'

/** Passed on to the controller, as far as this broker has no objection. */
export const incrementalAlterConfigsHandler: ApiHandler = {
  api: IncrementalAlterConfigs,
  background: true,

  async handle(context, request) {
    const { configAdminManager, forwardingManager, metadataCache } = context
    const body = request.bodyOf(IncrementalAlterConfigs)
    const response = await configAdminManager.incrementalAlterConfigs(body, metadataCache.image, rest =>
      forwardingManager.forwardRequest(IncrementalAlterConfigs, request, rest),
    )
    context.requestChannel.sendResponse(request, IncrementalAlterConfigs, response)
  },

  sendError(context, request, errorCode, errorMessage) {
    const { resources } = request.bodyOf(IncrementalAlterConfigs)
    const responses = resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: errorMessage ?? null,
      resourceType,
      resourceName,
    }))
    context.requestChannel.sendResponse(request, IncrementalAlterConfigs, { responses })
  },
}
