import { IdleRatio } from '../network/idle-ratio.ts'
import type { Request } from '../network/request.ts'
import type { RequestChannel } from '../network/request-channel.ts'
import { handleCostUs } from '../network/request-cost.ts'
import type { Runtime, Thread } from '../runtime/runtime.ts'

/** What answers requests: KafkaApis in a broker. */
export interface ApiRequestHandler {
  /**
   * Handles a request: it is answered through the request channel, now or later. Must not reject; what goes wrong is
   * answered with an error.
   */
  handle(request: Request): Promise<void>
}

/** A thread that takes requests from the request channel and has them handled, one after the other. */
export class KafkaRequestHandler {
  readonly idleRatio: IdleRatio
  readonly #runtime: Runtime
  readonly #name: string
  readonly #requestChannel: RequestChannel
  readonly #apis: ApiRequestHandler
  #thread: Thread | undefined

  constructor(runtime: Runtime, name: string, requestChannel: RequestChannel, apis: ApiRequestHandler) {
    this.#runtime = runtime
    this.#name = name
    this.#requestChannel = requestChannel
    this.#apis = apis
    this.idleRatio = new IdleRatio(runtime.clock)
  }

  start(): void {
    this.#thread = this.#runtime.threads.start(this.#name, () => this.#run())
  }

  /** Settles when the thread has ended; at once when it was never started. */
  async awaitShutdown(): Promise<void> {
    await this.#thread?.done
  }

  async #run(): Promise<void> {
    while (true) {
      this.idleRatio.begin()
      const item = await this.#requestChannel.receiveRequest()
      this.idleRatio.end()
      if (item.kind === 'shutdown') return
      if (item.kind === 'callback') await item.run()
      else await this.#handle(item)
    }
  }

  async #handle(request: Request): Promise<void> {
    const { observation } = this.#requestChannel
    request.requestDequeueTimeMs = this.#runtime.clock.monotonicMs()
    observation?.report(request, 'dequeued')
    try {
      await this.#runtime.threads.spend(handleCostUs(request.header.apiKey, request.sizeInBytes))
      await this.#apis.handle(request)
    } finally {
      if (request.apiLocalCompleteTimeMs < 0) request.apiLocalCompleteTimeMs = this.#runtime.clock.monotonicMs()
      request.releaseBuffer()
    }
    observation?.report(request, 'handled')
  }
}
