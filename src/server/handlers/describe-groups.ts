import { describeGroupsError } from '../../coordinator/group/group-responses.ts'
import { DescribeGroups } from '../../protocol/apis/describe-groups.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { AUTHORIZED_GROUP_OPERATIONS } from './authorized-operations.ts'
import { groupContextOf } from './group-context.ts'

export const describeGroupsHandler: ApiHandler = {
  api: DescribeGroups,
  background: true,

  async handle(context, request) {
    const { groups: groupIds, includeAuthorizedOperations } = request.bodyOf(DescribeGroups)
    const described = await context.groupCoordinator.describeGroups(groupContextOf(request), groupIds)
    const groups = described.map(group =>
      includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
        ? { ...group, authorizedOperations: AUTHORIZED_GROUP_OPERATIONS }
        : group,
    )
    context.requestChannel.sendResponse(request, DescribeGroups, { groups })
  },

  sendError(context, request, errorCode) {
    const groups = describeGroupsError(request.bodyOf(DescribeGroups).groups, errorCode)
    context.requestChannel.sendResponse(request, DescribeGroups, { groups })
  },
}
