import type { RandomStream } from '../runtime/runtime.ts'
import { IllegalStateException } from './errors.ts'
import type { Node } from './node.ts'

/** What `findLeastLoadedNode` asks about each node, by its id. */
export interface NodeLoad {
  /** Whether the handshake is done and the node is not throttled. */
  isConnectionReady(id: number): boolean
  /** Whether one more request may be sent to it now. */
  canSendRequest(id: number): boolean
  inFlight(id: number): number
  /** Whether a connection is being made. */
  isPreparing(id: number): boolean
  /** Whether a connection may be begun now. */
  canConnect(id: number): boolean
  lastConnectAttemptMs(id: number): number
}

export interface LeastLoadedNode {
  /** Undefined when none can be sent or connected to now. */
  readonly node: Node | undefined
  /** False is what makes a client begin again with its bootstrap servers (KIP-899). */
  readonly hasNodeAvailableOrConnectionReady: boolean
}

/**
 * The node that a request for any node should go to (NetworkClient.leastLoadedNode): one without requests in flight, else the
 * one with the fewest, else one that is being connected to, else the one whose last attempt is longest ago.
 *
 * @throws IllegalStateException when there are no nodes
 */
export function findLeastLoadedNode(nodes: readonly Node[], random: RandomStream, load: NodeLoad): LeastLoadedNode {
  if (nodes.length === 0) throw new IllegalStateException('there are no nodes in the Kafka cluster')
  let ready: Node | undefined
  let fewest = Number.POSITIVE_INFINITY
  let connecting: Node | undefined
  let connectable: Node | undefined
  let atLeastOneConnectionReady = false
  const offset = random.int(0, nodes.length - 1)
  for (const node of [...nodes.slice(offset), ...nodes.slice(0, offset)]) {
    atLeastOneConnectionReady ||= load.isConnectionReady(node.id)
    if (load.canSendRequest(node.id)) {
      const inFlight = load.inFlight(node.id)
      if (inFlight === 0) return { node, hasNodeAvailableOrConnectionReady: true }
      if (inFlight < fewest) {
        fewest = inFlight
        ready = node
      }
    } else if (load.isPreparing(node.id)) {
      connecting = node
    } else if (load.canConnect(node.id)) {
      const older =
        connectable === undefined || load.lastConnectAttemptMs(connectable.id) > load.lastConnectAttemptMs(node.id)
      if (older) connectable = node
    }
  }
  const node = ready ?? connecting ?? connectable
  return { node, hasNodeAvailableOrConnectionReady: node !== undefined || atLeastOneConnectionReady }
}
