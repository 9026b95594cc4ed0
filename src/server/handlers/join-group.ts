import { joinError } from '../../coordinator/group/classic/classic-group-answers.ts'
import { JoinGroup, type JoinGroupRequest, type JoinGroupResponseInput } from '../../protocol/apis/join-group.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

/** First version in which no protocol name is null. */
const FIRST_VERSION_NULLABLE_PROTOCOL_NAME = 7

export const joinGroupHandler: ApiHandler = {
  api: JoinGroup,
  background: true,

  async handle(context, request) {
    const { apiVersion } = request.header
    const body = withRebalanceTimeout(request.bodyOf(JoinGroup), apiVersion)
    const response = await context.groupCoordinator.joinGroup(groupContextOf(request), body)
    context.requestChannel.sendResponse(request, JoinGroup, inVersion(response, apiVersion))
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, JoinGroup, inVersion(joinError(errorCode), request.header.apiVersion))
  },
}

/** Version 0 has only a session timeout, which stands for both. */
function withRebalanceTimeout(body: JoinGroupRequest, apiVersion: number): JoinGroupRequest {
  return apiVersion === 0 ? { ...body, rebalanceTimeoutMs: body.sessionTimeoutMs } : body
}

function inVersion(response: JoinGroupResponseInput, apiVersion: number): JoinGroupResponseInput {
  const protocolName = response.protocolName || null
  const isNullable = apiVersion >= FIRST_VERSION_NULLABLE_PROTOCOL_NAME
  return { ...response, protocolName: isNullable ? protocolName : (protocolName ?? '') }
}
