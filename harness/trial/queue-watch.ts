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
  #requestsFull = false
  #backlogFull = false

  constructor(broker: BrokerNode, probes: Probes) {
    this.#broker = broker
    this.#probes = probes
  }

  /** A queue that fills counts once for its probe, however long it stays full. */
  look(): void {
    const { server, host, port } = this.#broker
    const requests = server?.metrics.value(REQUEST_QUEUE_SIZE) ?? 0
    this.#mostRequests = Math.max(this.#mostRequests, requests)
    const requestsFull = requests >= this.#broker.queuedMaxRequests
    if (requestsFull && !this.#requestsFull) this.#probes.hit('request-queue-full')
    this.#requestsFull = requestsFull
    const listener = host.kernel.listeners.get(port)
    this.#mostBacklog = Math.max(this.#mostBacklog, listener?.waiting ?? 0)
    const backlogFull = listener?.full ?? false
    if (backlogFull && !this.#backlogFull) this.#probes.hit('acceptor-backlog-full')
    this.#backlogFull = backlogFull
  }

  observations(): QueueObservation[] {
    return [
      { name: 'RequestQueueSize', bound: this.#broker.queuedMaxRequests, most: this.#mostRequests },
      // Linux holds one connection more than the backlog asked for.
      { name: 'listen backlog', bound: this.#broker.backlog + 1, most: this.#mostBacklog },
    ]
  }
}
