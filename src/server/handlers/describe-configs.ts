import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import type { ApiHandler } from '../api-handler.ts'

export const describeConfigsHandler: ApiHandler = {
  api: DescribeConfigs,

  handle(context, request) {
    const results = context.configHelper.describe(request.bodyOf(DescribeConfigs), context.metadataCache.image)
    context.requestChannel.sendResponse(request, DescribeConfigs, { results })
  },

  sendError(context, request, errorCode, errorMessage) {
    const { resources } = request.bodyOf(DescribeConfigs)
    const results = resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage: errorMessage ?? null,
      resourceType,
      resourceName,
      configs: [],
    }))
    context.requestChannel.sendResponse(request, DescribeConfigs, { results })
  },
}
