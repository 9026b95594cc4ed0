import { describeConsumerGroupError } from '../../coordinator/group/modern/consumer/consumer-group-describe.ts'
import { ConsumerGroupDescribe } from '../../protocol/apis/consumer-group-describe.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { AUTHORIZED_GROUP_OPERATIONS } from './authorized-operations.ts'

export const consumerGroupDescribeHandler: ApiHandler = {
  api: ConsumerGroupDescribe,
  background: true,

  async handle(context, request) {
    const { groupIds, includeAuthorizedOperations } = request.bodyOf(ConsumerGroupDescribe)
    const described = await context.groupCoordinator.consumerGroupDescribe(groupIds)
    const groups = described.map(group =>
      includeAuthorizedOperations && group.errorCode === ErrorCode.NONE
        ? { ...group, authorizedOperations: AUTHORIZED_GROUP_OPERATIONS }
        : group,
    )
    context.requestChannel.sendResponse(request, ConsumerGroupDescribe, { groups })
  },

  sendError(context, request, errorCode) {
    const { groupIds } = request.bodyOf(ConsumerGroupDescribe)
    const groups = groupIds.map(groupId => describeConsumerGroupError(groupId, errorCode))
    context.requestChannel.sendResponse(request, ConsumerGroupDescribe, { groups })
  },
}
