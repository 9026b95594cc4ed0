import type { Request } from '../../network/request.ts'
import { Envelope } from '../../protocol/apis/envelope.ts'
import { ApiError } from '../../protocol/errors.ts'
import { ApiDispatcher, type UnexpectedErrorListener } from '../api-dispatcher.ts'
import type { ControllerApiContext } from './controller-api-context.ts'
import { CONTROLLER_API_HANDLERS } from './controller-handlers.ts'
import { forwardedRequest } from './envelope.ts'

/** Hands each request of a controller's listeners to the handler of its API; takes forwarded ones out of their envelope. */
export class ControllerRequestApis extends ApiDispatcher<ControllerApiContext> {
  readonly #context: ControllerApiContext

  constructor(context: ControllerApiContext, onUnexpectedError: UnexpectedErrorListener) {
    super(CONTROLLER_API_HANDLERS, context, onUnexpectedError)
    this.#context = context
  }

  override async handle(request: Request): Promise<void> {
    if (request.api.key !== Envelope.key) return super.handle(request)
    let forwarded: Request
    try {
      forwarded = forwardedRequest(request)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#context.requestChannel.sendResponse(request, Envelope, { errorCode: error.code })
      return
    }
    return super.handle(forwarded)
  }
}
