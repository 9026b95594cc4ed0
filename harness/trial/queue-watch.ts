import type { QueueObservation } from '../checkers/evidence.ts'
import type { BrokerNode } from './broker-node.ts'
import type { Probes } from './probes.ts'

const REQUEST_QUEUE_SIZE = 'kafka.network:type=RequestChannel,name=RequestQueueSize'

/** Notes the most that the broker's queues ever held. */
export class QueueWatch {
  readonly #broker: BrokerNode
  readonly #probes: Probes
  #mostRequests = 0
  #mostBacklog = 0

  constructor(broker: BrokerNode, probes: Probes) {
    this.#broker = broker
    this.#probes = probes
  }

  look(): void {
    const { server, host, port } = this.#broker
    const requests = server?.metrics.value(REQUEST_QUEUE_SIZE) ?? 0
    if (requests > this.#mostRequests) {
      this.#mostRequests = requests
      if (requests >= this.#broker.queuedMaxRequests) this.#probes.hit('request-queue-full')
    }
    const listener = host.kernel.listeners.get(port)
    if (listener === undefined) return
    this.#mostBacklog = Math.max(this.#mostBacklog, listener.waiting)
    if (listener.full) this.#probes.hit('acceptor-backlog-full')
  }

  observations(): QueueObservation[] {
    return [
      { name: 'RequestQueueSize', bound: this.#broker.queuedMaxRequests, most: this.#mostRequests },
      // Linux holds one connection more than the backlog asked for.
      { name: 'listen backlog', bound: this.#broker.backlog + 1, most: this.#mostBacklog },
    ]
  }
}
