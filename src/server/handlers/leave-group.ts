import { LeaveGroup, type LeaveGroupRequest, type LeaveGroupResponseInput } from '../../protocol/apis/leave-group.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'
import { groupContextOf } from './group-context.ts'

/** First version in which several members may leave at once (KIP-345). */
const FIRST_BATCHED_VERSION = 3

export const leaveGroupHandler: ApiHandler = {
  api: LeaveGroup,
  background: true,

  async handle(context, request) {
    const { apiVersion } = request.header
    const body = batched(request.bodyOf(LeaveGroup), apiVersion)
    const response = await context.groupCoordinator.leaveGroup(groupContextOf(request), body)
    context.requestChannel.sendResponse(request, LeaveGroup, inVersion(response, apiVersion))
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, LeaveGroup, { errorCode })
  },
}

/** The request in the form of later versions. */
function batched(request: LeaveGroupRequest, apiVersion: number): LeaveGroupRequest {
  if (apiVersion >= FIRST_BATCHED_VERSION) return request
  return { ...request, members: [{ memberId: request.memberId, groupInstanceId: null, reason: null }] }
}

function inVersion(response: LeaveGroupResponseInput, apiVersion: number): LeaveGroupResponseInput {
  if (apiVersion >= FIRST_BATCHED_VERSION) return response
  if (response.errorCode !== ErrorCode.NONE) return { errorCode: response.errorCode }
  return { errorCode: response.members?.[0]?.errorCode ?? ErrorCode.NONE }
}
