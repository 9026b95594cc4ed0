import { createServer, type Server, Socket } from 'node:net'
import type { Address, Connection, ConnectOptions, Listener, ListenOptions, Network } from '../network.ts'
import type { CrashHandler } from './crash.ts'
import { LingeringSockets } from './lingering-sockets.ts'
import { networkErrorFrom } from './network-error.ts'
import { type ConnectionContext, NodeConnection } from './node-connection.ts'
import { NodeListener } from './node-listener.ts'
import { addressesOf } from './socket-address.ts'

/**
 * `highWaterMark` 1: a socket that is paused stops reading at the next chunk, instead of filling a second buffer in
 * Node's stream.
 */
const SERVER_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true, highWaterMark: 1 }
const SOCKET_OPTIONS = { allowHalfOpen: true, readableHighWaterMark: 1 }

/** TCP by `node:net`. */
export class NodeNetwork implements Network {
  readonly #context: ConnectionContext

  /** @param lingerMs how long a closed connection may take to send what was written */
  constructor(lingerMs: number, onCrash: CrashHandler) {
    this.#context = { onCrash, lingering: new LingeringSockets(lingerMs) }
  }

  async listen(options: ListenOptions): Promise<Listener> {
    const { host, port } = options
    const server = createServer(SERVER_OPTIONS)
    await new Promise<void>((resolve, reject) => {
      server.once('error', error => reject(networkErrorFrom(error, 'listen', { host, port })))
      server.listen({ host, port, backlog: Math.max(1, options.backlog), exclusive: true }, resolve)
    })
    return new NodeListener(server, { host, port: portOf(server) ?? port }, options, this.#context)
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    const address: Address = { host: options.host, port: options.port }
    const socket = new Socket(SOCKET_OPTIONS).setNoDelay(true).setKeepAlive(true)
    return new Promise<Connection>((resolve, reject) => {
      const fail = (error: unknown) => reject(networkErrorFrom(error, 'connect', address))
      socket.once('error', fail)
      socket.once('connect', () => {
        socket.off('error', fail)
        const { local } = addressesOf(socket) ?? { local: { host: '0.0.0.0', port: 0 } }
        resolve(new NodeConnection(socket, local, address, options, this.#context))
      })
      socket.connect({ host: options.host, port: options.port })
    })
  }
}

function portOf(server: Server): number | undefined {
  const address = server.address()
  return typeof address === 'object' ? address?.port : undefined
}
