/** A node that is broker and controller at once, and the only one of its cluster. */
export interface CombinedNode {
  readonly host: string
  readonly port: number
}

/**
 * What `server.properties` must say for it. The controller's listener is part of Kafka's configuration; in one process
 * the broker reaches its controller without it, and nothing is bound.
 */
export function combinedNodeProperties({ host, port }: CombinedNode, nodeId = '1'): Map<string, string> {
  const controllerPort = port === 65_535 ? port - 1 : port + 1
  return new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', nodeId],
    ['listeners', `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controllerPort}`],
    ['advertised.listeners', `PLAINTEXT://${host}:${port}`],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.voters', `${nodeId}@${host}:${controllerPort}`],
    ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'],
  ])
}
