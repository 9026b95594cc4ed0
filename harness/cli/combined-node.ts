/** A node that is broker and controller at once, and the only one of its cluster. */
export interface CombinedNode {
  readonly host: string
  readonly port: number
}

/** What `server.properties` must say for it. Its controller gets any free port: nobody else needs to know it. */
export function combinedNodeProperties({ host, port }: CombinedNode, nodeId = '1'): Map<string, string> {
  return new Map([
    ['process.roles', 'broker,controller'],
    ['node.id', nodeId],
    ['listeners', `PLAINTEXT://${host}:${port},CONTROLLER://127.0.0.1:0`],
    ['advertised.listeners', `PLAINTEXT://${host}:${port}`],
    ['controller.listener.names', 'CONTROLLER'],
    ['controller.quorum.voters', `${nodeId}@127.0.0.1:0`],
    ['listener.security.protocol.map', 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'],
  ])
}
