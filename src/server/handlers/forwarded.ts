import type { Api } from '../../protocol/api.ts'
import type { ErrorCode } from '../../protocol/errors.ts'
import type { Fields, Message, MessageInput } from '../../protocol/schema.ts'
import type { ApiHandler } from '../api-handler.ts'

/** The answer to a request that failed as a whole (Kafka's `getErrorResponse`). */
export type ErrorBody<Q extends Fields, S extends Fields> = (
  body: Message<Q>,
  error: { readonly errorCode: ErrorCode; readonly errorMessage: string | null },
  apiVersion: number,
) => MessageInput<S>

/** Has the requests of an API answered by the active controller. */
export function forwardedHandler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  errorBody: ErrorBody<Q, S>,
): ApiHandler {
  return {
    api: api as unknown as Api,
    background: true,

    async handle(context, request) {
      const response = await context.forwardingManager.forwardRequest(api, request)
      context.requestChannel.sendResponse(request, api, response as unknown as MessageInput<S>)
    },

    sendError(context, request, errorCode, message) {
      const body = errorBody(
        request.bodyOf(api),
        { errorCode, errorMessage: message ?? null },
        request.header.apiVersion,
      )
      context.requestChannel.sendResponse(request, api, body)
    },
  }
}
