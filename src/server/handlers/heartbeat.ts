import { Heartbeat } from '../../protocol/apis/heartbeat.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

export const heartbeatHandler: ApiHandler = {
  api: Heartbeat,
  background: true,

  async handle(context, request) {
    const response = await context.groupCoordinator.heartbeat(groupContextOf(request), request.bodyOf(Heartbeat))
    context.requestChannel.sendResponse(request, Heartbeat, response)
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, Heartbeat, { errorCode })
  },
}
