import { type Metrics, metricName } from '../network/metrics.ts'
import type { RequestChannel } from '../network/request-channel.ts'
import type { Runtime } from '../runtime/runtime.ts'
import { type ApiRequestHandler, KafkaRequestHandler } from './kafka-request-handler.ts'

export interface KafkaRequestHandlerPoolOptions {
  readonly requestChannel: RequestChannel
  readonly apis: ApiRequestHandler
  /** `num.io.threads` */
  readonly numThreads: number
  readonly metrics: Metrics
}

/** The request handler threads of a broker. */
export class KafkaRequestHandlerPool {
  readonly #requestChannel: RequestChannel
  readonly #metrics: Metrics
  readonly #handlers: readonly KafkaRequestHandler[]

  constructor(runtime: Runtime, options: KafkaRequestHandlerPoolOptions) {
    this.#requestChannel = options.requestChannel
    this.#metrics = options.metrics
    this.#handlers = Array.from({ length: options.numThreads }, (_, index) => {
      const name = `data-plane-kafka-request-handler-${index}`
      return new KafkaRequestHandler(runtime, name, options.requestChannel, options.apis)
    })
    const idle = () => this.#handlers.reduce((sum, handler) => sum + handler.idleRatio.value, 0) / this.#handlers.length
    for (const name of POOL_METRICS) this.#metrics.gauge(name, idle)
  }

  start(): void {
    for (const handler of this.#handlers) handler.start()
  }

  /** Ends all threads after what is queued before; resolves when they have ended. Only after `start`. */
  async shutdown(): Promise<void> {
    for (const _ of this.#handlers) await this.#requestChannel.sendShutdownRequest()
    for (const handler of this.#handlers) await handler.awaitShutdown()
    for (const name of POOL_METRICS) this.#metrics.remove(name)
  }
}

/** 4.2 tells brokers' handlers from controllers'; the old name stays. */
const POOL_METRICS = [
  metricName('kafka.server', 'KafkaRequestHandlerPool', 'RequestHandlerAvgIdlePercent'),
  metricName('kafka.server', 'KafkaRequestHandlerPool', 'BrokerRequestHandlerAvgIdlePercent'),
]
