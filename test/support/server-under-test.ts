import { Metrics } from '../../src/network/metrics.ts'
import type { Request } from '../../src/network/request.ts'
import type { RequestObserver } from '../../src/network/request-observer.ts'
import { SocketServer } from '../../src/network/socket-server.ts'
import { type SocketServerConfig, socketServerConfig } from '../../src/network/socket-server-config.ts'
import { ApiVersions } from '../../src/protocol/apis/api-versions.ts'
import { Condition } from '../../src/runtime/condition.ts'
import { KafkaRequestHandlerPool } from '../../src/server/kafka-request-handler-pool.ts'
import { createManualRuntime, type ManualRuntime } from './manual-runtime.ts'
import { WireClient } from './wire-client.ts'

export interface ServerUnderTestOptions extends Partial<SocketServerConfig> {
  readonly observer?: RequestObserver
  readonly numIoThreads?: number
}

/** A socket server whose handlers answer ApiVersions and nothing else; a test can hold them at a gate. */
export class ServerUnderTest {
  readonly runtime: ManualRuntime = createManualRuntime()
  readonly metrics = new Metrics(this.runtime)
  readonly server: SocketServer
  /** Correlation ids in the order in which handlers took the requests. */
  readonly handled: number[] = []
  /** Called when a handler has taken a request. */
  onRequest: ((request: Request) => void) | undefined
  readonly #gate = new Condition(this.runtime, 'gate')
  readonly #pool: KafkaRequestHandlerPool
  #open = true

  constructor(options: ServerUnderTestOptions = {}) {
    const { observer, numIoThreads = 2, ...config } = options
    const listeners = [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 0 }]
    const whole = socketServerConfig({ nodeId: 1, listeners, numNetworkThreads: 1, ...config })
    this.server = new SocketServer(this.runtime, whole, { metrics: this.metrics, observer })
    this.#pool = new KafkaRequestHandlerPool(this.runtime, {
      requestChannel: this.server.requestChannel,
      apis: { handle: request => this.handle(request) },
      numThreads: numIoThreads,
      metrics: this.metrics,
    })
  }

  static async started(options: ServerUnderTestOptions = {}): Promise<ServerUnderTest> {
    const server = new ServerUnderTest(options)
    await server.server.bind()
    server.#pool.start()
    await server.server.enableRequestProcessing()
    return server
  }

  closeGate(): void {
    this.#open = false
  }

  openGate(): void {
    this.#open = true
    this.#gate.signalAll()
  }

  connect(listener = 'PLAINTEXT'): Promise<WireClient> {
    return WireClient.connect(this.runtime, this.server.boundPort(listener))
  }

  async handle(request: Request): Promise<void> {
    this.handled.push(request.header.correlationId)
    this.onRequest?.(request)
    while (!this.#open) await this.#gate.wait()
    const { requestChannel } = this.server
    if (request.api.key !== ApiVersions.key) requestChannel.sendNoOpResponse(request)
    else requestChannel.sendResponse(request, ApiVersions, { errorCode: 0, apiKeys: [] })
  }

  async stop(): Promise<void> {
    await this.server.stopProcessingRequests()
    await this.#pool.shutdown()
  }
}
