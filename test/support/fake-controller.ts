import { Metrics } from '../../src/network/metrics.ts'
import type { Request } from '../../src/network/request.ts'
import { SocketServer } from '../../src/network/socket-server.ts'
import { socketServerConfig } from '../../src/network/socket-server-config.ts'
import { BrokerHeartbeat } from '../../src/protocol/apis/broker-heartbeat.ts'
import type { Runtime } from '../../src/runtime/runtime.ts'
import { KafkaRequestHandlerPool } from '../../src/server/kafka-request-handler-pool.ts'
import type { ControllerNode } from '../../src/server/node-to-controller-channel-manager.ts'

/** Something on a controller's port that does with requests what a test says. */
export class FakeController {
  readonly requests: Request[] = []
  /** What becomes of a request; by default a heartbeat is answered. */
  onRequest: (request: Request) => void = request => this.answerHeartbeat(request)
  readonly server: SocketServer
  readonly #id: number
  readonly #pool: KafkaRequestHandlerPool

  constructor(runtime: Runtime, id: number, port = 0) {
    this.#id = id
    const listeners = [{ name: 'CONTROLLER', host: '127.0.0.1', port }]
    const metrics = new Metrics(runtime)
    this.server = new SocketServer(runtime, socketServerConfig({ nodeId: id, listeners }), { metrics })
    const handle = async (request: Request) => {
      this.requests.push(request)
      this.onRequest(request)
    }
    const { requestChannel } = this.server
    this.#pool = new KafkaRequestHandlerPool(runtime, { requestChannel, apis: { handle }, numThreads: 1, metrics })
  }

  static async started(runtime: Runtime, id: number, port = 0): Promise<FakeController> {
    const controller = new FakeController(runtime, id, port)
    await controller.server.bind()
    controller.#pool.start()
    await controller.server.enableRequestProcessing()
    return controller
  }

  get node(): ControllerNode {
    return { id: this.#id, host: '127.0.0.1', port: this.server.boundPort('CONTROLLER') }
  }

  answerHeartbeat(request: Request, errorCode = 0): void {
    this.server.requestChannel.sendResponse(request, BrokerHeartbeat, { errorCode, isCaughtUp: true })
  }

  async stop(): Promise<void> {
    await this.server.stopProcessingRequests()
    await this.#pool.shutdown()
  }
}
