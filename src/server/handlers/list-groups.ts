import { ListGroups } from '../../protocol/apis/list-groups.ts'
import type { ApiHandler } from '../api-handler.ts'

export const listGroupsHandler: ApiHandler = {
  api: ListGroups,
  background: true,

  async handle(context, request) {
    const response = await context.groupCoordinator.listGroups(request.bodyOf(ListGroups))
    context.requestChannel.sendResponse(request, ListGroups, response)
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, ListGroups, { errorCode, groups: [] })
  },
}
