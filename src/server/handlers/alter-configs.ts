import { AlterConfigs } from '../../protocol/apis/alter-configs.ts'
import type { ApiHandler } from '../api-handler.ts'

/** Passed on to the controller, as far as this broker has no objection. */
export const alterConfigsHandler: ApiHandler = {
  api: AlterConfigs,
  background: true,

  async handle(context, request) {
    const { configAdminManager, forwardingManager } = context
    const response = await configAdminManager.legacyAlterConfigs(request.bodyOf(AlterConfigs), rest =>
      forwardingManager.forwardRequest(AlterConfigs, request, rest),
    )
    context.requestChannel.sendResponse(request, AlterConfigs, response)
  },

  sendError(context, request, errorCode, errorMessage) {
    const { resources } = request.bodyOf(AlterConfigs)
    const responses = resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: errorMessage ?? null,
      resourceType,
      resourceName,
    }))
    context.requestChannel.sendResponse(request, AlterConfigs, { responses })
  },
}
