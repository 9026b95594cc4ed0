import { syncError } from '../../coordinator/group/classic/classic-group-answers.ts'
import { SyncGroup } from '../../protocol/apis/sync-group.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

/** First version in which members must say what they believe the group speaks (KIP-559). */
const FIRST_VERSION_WITH_PROTOCOL = 5

export const syncGroupHandler: ApiHandler = {
  api: SyncGroup,
  background: true,

  async handle(context, request) {
    const body = request.bodyOf(SyncGroup)
    const mustNameProtocol = request.header.apiVersion >= FIRST_VERSION_WITH_PROTOCOL
    if (mustNameProtocol && (body.protocolType === null || body.protocolName === null)) {
      this.sendError(context, request, ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
      return
    }
    const response = await context.groupCoordinator.syncGroup(groupContextOf(request), body)
    context.requestChannel.sendResponse(request, SyncGroup, response)
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, SyncGroup, syncError(errorCode))
  },
}
