import type { Server, Socket } from 'node:net'
import { type Address, type Connection, type Listener, type ListenOptions, NetworkError } from '../network.ts'
import { type ConnectionContext, NodeConnection } from './node-connection.ts'
import { ReadyCallback } from './ready-callback.ts'
import { addressesOf } from './socket-address.ts'

/** Connections beyond the backlog that wait here before further ones are reset. */
const OVERFLOW_MAX = 256

/**
 * A listening socket. Node accepts whatever the operating system's queue (`backlog` long) offers and cannot be told to
 * wait. So connections beyond the backlog wait here, unread, where the peer sees them as established although they are
 * not accepted. Beyond 256 of those, connections are reset, where the operating system would leave the peer to retry.
 */
export class NodeListener implements Listener {
  readonly address: Address
  readonly #server: Server
  readonly #options: ListenOptions
  readonly #context: ConnectionContext
  readonly #ready: ReadyCallback
  readonly #waiting: { readonly socket: Socket; readonly local: Address; readonly remote: Address }[] = []
  #closed = false

  /** Takes over a server that listens, with `allowHalfOpen` and `pauseOnConnect`. */
  constructor(server: Server, address: Address, options: ListenOptions, context: ConnectionContext) {
    this.#server = server
    this.address = address
    this.#options = options
    this.#context = context
    this.#ready = new ReadyCallback(context.onCrash)
    server.on('connection', socket => this.#onConnection(socket))
    server.on('error', () => {}) // accepting failed (no file descriptors left): that peer is lost, the next may do
  }

  accept(): Connection | null {
    if (this.#closed) throw new NetworkError('ECLOSED', 'accept', this.address)
    const next = this.#waiting.shift()
    return next ? new NodeConnection(next.socket, next.local, next.remote, this.#options, this.#context) : null
  }

  onReady(callback: () => void): void {
    if (!this.#closed) this.#ready.set(callback)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready.clear()
    this.#server.close()
    for (const { socket } of this.#waiting) socket.resetAndDestroy()
    this.#waiting.length = 0
  }

  #onConnection(socket: Socket): void {
    const addresses = addressesOf(socket)
    const isFull = this.#waiting.length >= this.#options.backlog + OVERFLOW_MAX
    socket.on('error', () => {}) // until it is accepted nobody else listens, and Node would end the process
    if (addresses === undefined || isFull || this.#closed) {
      socket.resetAndDestroy()
      return
    }
    this.#waiting.push({ socket, ...addresses })
    this.#ready.notify()
  }
}
