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
  /** Whose handlers they are; default `broker`. */
  readonly role?: 'broker' | 'controller'
}

/** The request handler threads of a broker or a controller. */
export class KafkaRequestHandlerPool {
  readonly #requestChannel: RequestChannel
  readonly #metrics: Metrics
  readonly #handlers: readonly KafkaRequestHandler[]
  readonly #metricNames: readonly string[]

  constructor(runtime: Runtime, options: KafkaRequestHandlerPoolOptions) {
    this.#requestChannel = options.requestChannel
    this.#metrics = options.metrics
    const { role = 'broker' } = options
    const prefix = role === 'broker' ? 'data-plane' : role
    this.#metricNames = METRICS[role]
    this.#handlers = Array.from({ length: options.numThreads }, (_, index) => {
      const name = `${prefix}-kafka-request-handler-${index}`
      return new KafkaRequestHandler(runtime, name, options.requestChannel, options.apis)
    })
    const idle = () => this.#handlers.reduce((sum, handler) => sum + handler.idleRatio.value, 0) / this.#handlers.length
    for (const name of this.#metricNames) this.#metrics.gauge(name, idle)
  }

  start(): void {
    for (const handler of this.#handlers) handler.start()
  }

  /** Ends all threads after what is queued before; resolves when they have ended. Only after `start`. */
  async shutdown(): Promise<void> {
    for (const _ of this.#handlers) await this.#requestChannel.sendShutdownRequest()
    for (const handler of this.#handlers) await handler.awaitShutdown()
    for (const name of this.#metricNames) this.#metrics.remove(name)
  }
}

const poolMetric = (name: string): string => metricName('kafka.server', 'KafkaRequestHandlerPool', name)

/** 4.2 tells brokers' handlers from controllers'; the old name stays. */
const METRICS = {
  broker: [poolMetric('RequestHandlerAvgIdlePercent'), poolMetric('BrokerRequestHandlerAvgIdlePercent')],
  controller: [poolMetric('RequestHandlerAvgIdlePercent'), poolMetric('ControllerRequestHandlerAvgIdlePercent')],
} as const
