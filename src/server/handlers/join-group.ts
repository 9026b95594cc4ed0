import { joinError } from '../../coordinator/group/classic/classic-group-answers.ts'
import { JoinGroup, type JoinGroupResponseInput } from '../../protocol/apis/join-group.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

/** First version in which no protocol name is null. */
const FIRST_VERSION_NULLABLE_PROTOCOL_NAME = 7

export const joinGroupHandler: ApiHandler = {
  api: JoinGroup,
  background: true,

  async handle(context, request) {
    const response = await context.groupCoordinator.joinGroup(groupContextOf(request), request.bodyOf(JoinGroup))
    context.requestChannel.sendResponse(request, JoinGroup, inVersion(response, request.header.apiVersion))
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, JoinGroup, inVersion(joinError(errorCode), request.header.apiVersion))
  },
}

function inVersion(response: JoinGroupResponseInput, apiVersion: number): JoinGroupResponseInput {
  const protocolName = response.protocolName || null
  const isNullable = apiVersion >= FIRST_VERSION_NULLABLE_PROTOCOL_NAME
  return { ...response, protocolName: isNullable ? protocolName : (protocolName ?? '') }
}
