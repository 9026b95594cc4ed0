import { CreateTopics } from '../../protocol/apis/create-topics.ts'
import type { ApiHandler } from '../api-handler.ts'

/** Passed on to the controller. */
export const createTopicsHandler: ApiHandler = {
  api: CreateTopics,
  background: true,

  async handle(context, request) {
    const response = await context.controller.createTopics(request.bodyOf(CreateTopics))
    context.requestChannel.sendResponse(request, CreateTopics, response)
  },

  sendError(context, request, errorCode, errorMessage) {
    const topics = request.bodyOf(CreateTopics).topics.map(({ name }) => ({
      name,
      errorCode,
      errorMessage: errorMessage ?? null,
      configs: [],
    }))
    context.requestChannel.sendResponse(request, CreateTopics, { topics })
  },
}
