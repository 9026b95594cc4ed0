import type { Request } from '../network/request.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { ApiContext, ApiHandler } from './api-handler.ts'
import { alterConfigsHandler } from './handlers/alter-configs.ts'
import { apiVersionsHandler } from './handlers/api-versions.ts'
import { createPartitionsHandler } from './handlers/create-partitions.ts'
import { createTopicsHandler } from './handlers/create-topics.ts'
import { deleteRecordsHandler } from './handlers/delete-records.ts'
import { deleteTopicsHandler } from './handlers/delete-topics.ts'
import { describeClusterHandler } from './handlers/describe-cluster.ts'
import { describeConfigsHandler } from './handlers/describe-configs.ts'
import { fetchHandler } from './handlers/fetch.ts'
import { findCoordinatorHandler } from './handlers/find-coordinator.ts'
import { incrementalAlterConfigsHandler } from './handlers/incremental-alter-configs.ts'
import { initProducerIdHandler } from './handlers/init-producer-id.ts'
import { listOffsetsHandler } from './handlers/list-offsets.ts'
import { metadataHandler } from './handlers/metadata.ts'
import { offsetForLeaderEpochHandler } from './handlers/offset-for-leader-epoch.ts'
import { produceHandler } from './handlers/produce.ts'
import type { ApiRequestHandler } from './kafka-request-handler.ts'

/** The handlers of all APIs that a broker serves, by API key in ascending order. */
export const API_HANDLERS: ReadonlyMap<number, ApiHandler> = new Map(
  [
    produceHandler,
    fetchHandler,
    listOffsetsHandler,
    metadataHandler,
    findCoordinatorHandler,
    apiVersionsHandler,
    createTopicsHandler,
    deleteTopicsHandler,
    deleteRecordsHandler,
    initProducerIdHandler,
    offsetForLeaderEpochHandler,
    describeConfigsHandler,
    alterConfigsHandler,
    createPartitionsHandler,
    incrementalAlterConfigsHandler,
    describeClusterHandler,
  ].map(handler => [handler.api.key, handler]),
)

/** Told of errors that are no answer of Kafka's but a fault of this code. */
export type UnexpectedErrorListener = (error: unknown, where: string) => void

/** Hands each request to the handler of its API (Kafka's KafkaApis). */
export class KafkaApis implements ApiRequestHandler {
  readonly #context: ApiContext
  readonly #onUnexpectedError: UnexpectedErrorListener

  constructor(context: ApiContext, onUnexpectedError: UnexpectedErrorListener) {
    this.#context = context
    this.#onUnexpectedError = onUnexpectedError
  }

  async handle(request: Request): Promise<void> {
    const handler = API_HANDLERS.get(request.api.key)
    if (handler === undefined) {
      this.#context.requestChannel.closeConnection(request)
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

  #handleError(handler: ApiHandler, request: Request, error: unknown): void {
    if (error instanceof ApiError) {
      handler.sendError(this.#context, request, error.code, error.message)
      return
    }
    this.#onUnexpectedError(error, `${request.api.name} request`)
    handler.sendError(this.#context, request, ErrorCode.UNKNOWN_SERVER_ERROR)
  }
}
