import { consumerGroupHeartbeatError } from '../../coordinator/group/modern/consumer/heartbeat-validation.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/consumer-group-heartbeat.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

export const consumerGroupHeartbeatHandler: ApiHandler = {
  api: ConsumerGroupHeartbeat,
  background: true,

  async handle(context, request) {
    const body = request.bodyOf(ConsumerGroupHeartbeat)
    const response = await context.groupCoordinator.consumerGroupHeartbeat(groupContextOf(request), body)
    context.requestChannel.sendResponse(request, ConsumerGroupHeartbeat, response)
  },

  sendError(context, request, errorCode, message) {
    context.requestChannel.sendResponse(
      request,
      ConsumerGroupHeartbeat,
      consumerGroupHeartbeatError(errorCode, message),
    )
  },
}
