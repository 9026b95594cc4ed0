import { DeleteTopics } from '../../protocol/apis/delete-topics.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { ApiHandler } from '../api-handler.ts'

/** First version whose clients know TOPIC_DELETION_DISABLED. */
const FIRST_VERSION_DELETION_DISABLED = 3

/** Passed on to the controller. */
export const deleteTopicsHandler: ApiHandler = {
  api: DeleteTopics,
  background: true,

  async handle(context, request) {
    if (!context.config.deleteTopicEnable) {
      const told = request.header.apiVersion >= FIRST_VERSION_DELETION_DISABLED
      const code = told ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST
      throw new ApiError(code, 'Topic deletion is disabled.')
    }
    const response = await context.controller.deleteTopics(request.bodyOf(DeleteTopics))
    context.requestChannel.sendResponse(request, DeleteTopics, response)
  },

  sendError(context, request, errorCode, errorMessage) {
    const { topics, topicNames } = request.bodyOf(DeleteTopics)
    const outcome = { errorCode, errorMessage: errorMessage ?? null }
    context.requestChannel.sendResponse(request, DeleteTopics, {
      responses: [
        ...topicNames.map(name => ({ name, ...outcome })),
        ...topics.map(({ name, topicId }) => ({ name, topicId, ...outcome })),
      ],
    })
  },
}
