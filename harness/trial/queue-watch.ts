import type { QueueObservation } from '../checkers/evidence.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { Probes } from './probes.ts'

const REQUEST_QUEUE_SIZE = 'kafka.network:type=RequestChannel,name=RequestQueueSize'

/** Notes the most that a node's queues ever held. */
export class QueueWatch {
  readonly #node: ClusterNode
  readonly #probes: Probes
  #mostRequests = 0
  #mostBacklog = 0
  #requestsFull = false
  #backlogFull = false

  constructor(node: ClusterNode, probes: Probes) {
    this.#node = node
    this.#probes = probes
  }

  /** A queue that fills counts once for its probe, however long it stays full. */
  look(): void {
    const { server, host, port } = this.#node
    const requests = server?.metrics.value(REQUEST_QUEUE_SIZE) ?? 0
    this.#mostRequests = Math.max(this.#mostRequests, requests)
    const requestsFull = requests >= this.#node.queuedMaxRequests
    if (requestsFull && !this.#requestsFull) this.#probes.hit('request-queue-full')
    this.#requestsFull = requestsFull
    const listener = host.kernel.listeners.get(port)
    this.#mostBacklog = Math.max(this.#mostBacklog, listener?.waiting ?? 0)
    const backlogFull = listener?.full ?? false
    if (backlogFull && !this.#backlogFull) this.#probes.hit('acceptor-backlog-full')
    this.#backlogFull = backlogFull
  }

  observations(): QueueObservation[] {
    const node = this.#node.id
    return [
      { node, name: 'RequestQueueSize', bound: this.#node.queuedMaxRequests, most: this.#mostRequests },
      // Linux holds one connection more than the backlog asked for.
      { node, name: 'listen backlog', bound: this.#node.backlog + 1, most: this.#mostBacklog },
    ]
  }
}
