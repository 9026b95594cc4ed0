import { CreatePartitions } from '../../protocol/apis/create-partitions.ts'
import type { ApiHandler } from '../api-handler.ts'

/** Passed on to the controller. */
export const createPartitionsHandler: ApiHandler = {
  api: CreatePartitions,
  background: true,

  async handle(context, request) {
    const response = await context.controller.createPartitions(request.bodyOf(CreatePartitions))
    context.requestChannel.sendResponse(request, CreatePartitions, response)
  },

  sendError(context, request, errorCode, errorMessage) {
    const { topics } = request.bodyOf(CreatePartitions)
    const results = topics.map(({ name }) => ({ name, errorCode, errorMessage: errorMessage ?? null }))
    context.requestChannel.sendResponse(request, CreatePartitions, { results })
  },
}
