import type { Request } from '../../network/request.ts'
import { ApiVersions, type ApiVersionsResponse } from '../../protocol/apis/api-versions.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { MessageInput } from '../../protocol/schema.ts'
import type { ApiHandler, ApiVersionsContext } from '../api-handler.ts'

/** What clients may call themselves (KIP-511). */
const CLIENT_SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
/** First version in which clients name themselves and features are told. */
const FIRST_VERSION_WITH_FEATURES = 3
/** First version whose clients understand a supported feature that begins at level 0 (KAFKA-17011). */
const FIRST_VERSION_WITH_LEVEL_ZERO = 4

/** The same on brokers and controllers. */
export const apiVersionsHandler: ApiHandler<ApiVersionsContext> = {
  api: ApiVersions,

  handle(context, request) {
    const { apiVersion } = request.header
    if (!ApiVersions.accepts(apiVersion)) {
      // In version 0, with the one range that the client needs to ask again (KIP-511).
      const [minVersion, maxVersion] = ApiVersions.advertise
      context.requestChannel.sendResponse(request, ApiVersions, {
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        apiKeys: [{ apiKey: ApiVersions.key, minVersion, maxVersion }],
      })
      return
    }
    if (!namesItselfProperly(request)) this.sendError(context, request, ErrorCode.INVALID_REQUEST)
    else context.requestChannel.sendResponse(request, ApiVersions, response(context, apiVersion))
  },

  sendError(context, request, errorCode) {
    context.requestChannel.sendResponse(request, ApiVersions, { errorCode, apiKeys: [] })
  },
}

function namesItselfProperly(request: Request): boolean {
  if (request.header.apiVersion < FIRST_VERSION_WITH_FEATURES) return true
  const { clientSoftwareName, clientSoftwareVersion } = request.bodyOf(ApiVersions)
  return CLIENT_SOFTWARE.test(clientSoftwareName) && CLIENT_SOFTWARE.test(clientSoftwareVersion)
}

function response(context: ApiVersionsContext, version: number): MessageInput<typeof ApiVersionsResponse> {
  const image = context.metadataCache.image
  const apiKeys = context.apis.map(api => ({
    apiKey: api.key,
    minVersion: api.advertise[0],
    maxVersion: api.advertise[1],
  }))
  if (version < FIRST_VERSION_WITH_FEATURES) return { errorCode: ErrorCode.NONE, apiKeys }
  const supported = [...context.supportedFeatures].filter(
    ([, range]) => version >= FIRST_VERSION_WITH_LEVEL_ZERO || range.min > 0,
  )
  return {
    errorCode: ErrorCode.NONE,
    apiKeys,
    supportedFeatures: supported.map(([name, { min, max }]) => ({ name, minVersion: min, maxVersion: max })),
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: [...image.features.finalizedVersions].map(([name, level]) => ({
      name,
      minVersionLevel: level,
      maxVersionLevel: level,
    })),
  }
}
