import type { Request } from '../network/request.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { ApiHandler, ResponseContext } from './api-handler.ts'
import { ControllerVersionError } from './forwarding-manager.ts'
import type { ApiRequestHandler } from './kafka-request-handler.ts'

/** Told of errors that are no answer of Kafka's but a fault of this code. */
export type UnexpectedErrorListener = (error: unknown, where: string) => void

/** Hands each request to the handler of its API, and answers what handlers throw. */
export class ApiDispatcher<C extends ResponseContext> implements ApiRequestHandler {
  readonly #handlers: ReadonlyMap<number, ApiHandler<C>>
  readonly #context: C
  readonly #onUnexpectedError: UnexpectedErrorListener

  /** @param handlers by API key; a connection that asks for another API is closed */
  constructor(handlers: ReadonlyMap<number, ApiHandler<C>>, context: C, onUnexpectedError: UnexpectedErrorListener) {
    this.#handlers = handlers
    this.#context = context
    this.#onUnexpectedError = onUnexpectedError
  }

  async handle(request: Request): Promise<void> {
    const handler = this.#handlers.get(request.api.key)
    if (handler === undefined) {
      this.#context.requestChannel.closeConnection(request)
      return
    }
    const refusal = this.#context.requestChannel.observation?.refusalOf(request)
    if (refusal !== undefined) {
      handler.sendError(this.#context, request, refusal)
      return
    }
    try {
      // Not awaited where there is nothing to await: most handlers answer at once.
      const handled = handler.handle(this.#context, request)
      if (handled === undefined) return
      if (handler.background) void handled.catch(error => this.#handleError(handler, request, error))
      else await handled
    } catch (error) {
      this.#handleError(handler, request, error)
    }
  }

  #handleError(handler: ApiHandler<C>, request: Request, error: unknown): void {
    if (error instanceof ApiError) {
      handler.sendError(this.#context, request, error.code, error.message)
    } else if (error instanceof ControllerVersionError) {
      this.#context.requestChannel.closeConnection(request)
    } else {
      this.#onUnexpectedError(error, `${request.api.name} request`)
      handler.sendError(this.#context, request, ErrorCode.UNKNOWN_SERVER_ERROR)
    }
  }
}
