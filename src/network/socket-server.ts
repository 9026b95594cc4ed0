import type { Runtime } from '../runtime/runtime.ts'
import { Acceptor } from './acceptor.ts'
import { ConnectionQuotas } from './connection-quotas.ts'
import { type MemoryPool, SimpleMemoryPool, UNLIMITED_MEMORY } from './memory-pool.ts'
import { type Metrics, metricName } from './metrics.ts'
import { Processor } from './processor.ts'
import { RequestChannel } from './request-channel.ts'
import { RequestObservation, type RequestObserver } from './request-observer.ts'
import { type EndPoint, type SocketServerConfig, UNLIMITED_LISTENER } from './socket-server-config.ts'

export interface SocketServerOptions {
  readonly metrics: Metrics
  /** Sees requests and may decide the fate of responses. */
  readonly observer?: RequestObserver | undefined
  /** What the names of its threads begin with; default `data-plane`. */
  readonly threadPrefix?: string
}

/**
 * The network side of a broker (Kafka's SocketServer): for each listener an acceptor with its processors, and for all
 * together one request channel, one memory pool and one set of connection quotas.
 */
export class SocketServer {
  readonly requestChannel: RequestChannel
  readonly connectionQuotas: ConnectionQuotas
  readonly memoryPool: MemoryPool
  readonly #runtime: Runtime
  readonly #config: SocketServerConfig
  readonly #metrics: Metrics
  readonly #threadPrefix: string
  readonly #acceptors = new Map<string, Acceptor>()
  readonly #processors: Processor[] = []
  #expiredOfClosedProcessors = 0
  #stopped = false

  constructor(runtime: Runtime, config: SocketServerConfig, options: SocketServerOptions) {
    this.#runtime = runtime
    this.#config = config
    this.#metrics = options.metrics
    this.#threadPrefix = options.threadPrefix ?? 'data-plane'
    this.memoryPool =
      config.queuedMaxRequestBytes > 0
        ? new SimpleMemoryPool(config.queuedMaxRequestBytes, config.socketRequestMaxBytes)
        : UNLIMITED_MEMORY
    this.connectionQuotas = new ConnectionQuotas(runtime, config)
    this.requestChannel = new RequestChannel(runtime, {
      queueSize: config.queuedMaxRequests,
      metrics: options.metrics,
      observation: options.observer && new RequestObservation(runtime.name, options.observer),
    })
    this.#registerMetrics()
  }

  /**
   * Opens the listeners whose port the host chooses (port 0), because the port has to be known before the broker registers:
   * peers may connect, nothing is accepted yet. The others stay closed until `enableRequestProcessing`, as in Kafka's
   * Acceptor. Rejects with `NetworkError`, after closing what it had opened.
   */
  async bind(): Promise<void> {
    await this.#open(this.#config.listeners.filter(({ port }) => port === 0))
  }

  /** Opens the listeners that are still closed and starts all threads. Rejects with `NetworkError` (`EADDRINUSE`, …). */
  async enableRequestProcessing(): Promise<void> {
    await this.#open(this.#config.listeners.filter(({ name }) => !this.#acceptors.has(name)))
    for (const acceptor of this.#acceptors.values()) acceptor.start()
  }

  async #open(endPoints: readonly EndPoint[]): Promise<void> {
    try {
      for (const endPoint of endPoints) await this.#addListener(endPoint)
    } catch (error) {
      await this.stopProcessingRequests()
      throw error
    }
  }

  /** The port that a listener is bound to. */
  boundPort(listenerName: string): number {
    const acceptor = this.#acceptors.get(listenerName)
    if (acceptor === undefined) throw new Error(`no listener ${listenerName}: it is not configured or not bound yet`)
    return acceptor.port
  }

  /** Open connections over all listeners. */
  get connectionCount(): number {
    return this.connectionQuotas.connectionCount
  }

  /** Stops listening and ends acceptors and processors, closing all connections. Handlers may still be at work. */
  async stopProcessingRequests(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    for (const acceptor of this.#acceptors.values()) await acceptor.close()
    for (const processor of this.#processors) {
      this.#expiredOfClosedProcessors += processor.expiredConnectionsKilledCount
      this.requestChannel.removeProcessor(processor.id)
    }
    this.#processors.length = 0
    this.requestChannel.clear()
  }

  async #addListener(endPoint: EndPoint): Promise<void> {
    const config = this.#config
    const name = endPoint.name
    const listener = await this.#runtime.network.listen({
      host: endPoint.host,
      port: endPoint.port,
      backlog: config.socketListenBacklogSize,
      ...(config.socketSendBufferBytes > 0 && { sendBufferBytes: config.socketSendBufferBytes }),
      ...(config.socketReceiveBufferBytes > 0 && { receiveBufferBytes: config.socketReceiveBufferBytes }),
    })
    const processors = Array.from({ length: config.numNetworkThreads }, (_, index) => this.#newProcessor(name, index))
    this.connectionQuotas.addListener(name, config.listenerQuotas.get(name) ?? UNLIMITED_LISTENER, () => {
      for (const processor of processors) processor.wakeup()
    })
    const acceptor = new Acceptor(this.#runtime, {
      threadName: `${this.#threadPrefix}-kafka-socket-acceptor-${name}`,
      listenerName: name,
      listener,
      processors,
      connectionQuotas: this.connectionQuotas,
      metrics: this.#metrics,
    })
    this.#acceptors.set(name, acceptor)
  }

  #newProcessor(listenerName: string, index: number): Processor {
    const config = this.#config
    const processor = new Processor(this.#runtime, {
      id: this.#processors.length,
      threadName: `${this.#threadPrefix}-kafka-network-thread-${config.nodeId}-${listenerName}-${index}`,
      listenerName,
      maxRequestSize: config.socketRequestMaxBytes,
      connectionsMaxIdleMs: config.connectionsMaxIdleMs,
      memoryPool: this.memoryPool,
      requestChannel: this.requestChannel,
      connectionQuotas: this.connectionQuotas,
      metrics: this.#metrics,
    })
    this.#processors.push(processor)
    this.requestChannel.addProcessor(processor)
    return processor
  }

  #registerMetrics(): void {
    const gauge = (name: string, value: () => number) =>
      this.#metrics.gauge(metricName('kafka.network', 'SocketServer', name), value)
    gauge('NetworkProcessorAvgIdlePercent', () => {
      if (this.#processors.length === 0) return 1
      let sum = 0
      for (const processor of this.#processors) sum += processor.idleRatio.value
      return sum / this.#processors.length
    })
    gauge('MemoryPoolAvailable', () => this.memoryPool.availableMemory)
    gauge('MemoryPoolUsed', () => this.memoryPool.size - this.memoryPool.availableMemory)
    gauge('ExpiredConnectionsKilledCount', () => {
      let sum = this.#expiredOfClosedProcessors
      for (const processor of this.#processors) sum += processor.expiredConnectionsKilledCount
      return sum
    })
  }
}
