import { DeleteGroups } from '../../protocol/apis/delete-groups.ts'
import type { ApiHandler } from '../api-handler.ts'

export const deleteGroupsHandler: ApiHandler = {
  api: DeleteGroups,
  background: true,

  async handle(context, request) {
    const groupIds = [...new Set(request.bodyOf(DeleteGroups).groupsNames)]
    const results = await context.groupCoordinator.deleteGroups(groupIds)
    context.requestChannel.sendResponse(request, DeleteGroups, { results })
  },

  sendError(context, request, errorCode) {
    const results = request.bodyOf(DeleteGroups).groupsNames.map(groupId => ({ groupId, errorCode }))
    context.requestChannel.sendResponse(request, DeleteGroups, { results })
  },
}
