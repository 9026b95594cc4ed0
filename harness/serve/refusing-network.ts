import {
  type Connection,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type Network,
  NetworkError,
} from '../../src/runtime/network.ts'

/**
 * A network on which some ports of other nodes cannot be reached: connections to them are refused, and those that are open
 * are reset. That is how a partition is made between processes of one machine.
 */
export class RefusingNetwork implements Network {
  readonly #network: Network
  readonly #open = new Map<Connection, number>()
  #refused: ReadonlySet<number> = new Set()

  constructor(network: Network) {
    this.#network = network
  }

  /** Ports that cannot be reached from now on, in place of those before. */
  refuse(ports: readonly number[]): void {
    this.#refused = new Set(ports)
    for (const [connection, port] of [...this.#open]) if (this.#refused.has(port)) connection.reset()
  }

  listen(options: ListenOptions): Promise<Listener> {
    return this.#network.listen(options)
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    this.#check(options)
    const connection = await this.#network.connect(options)
    if (this.#refused.has(options.port)) connection.reset()
    this.#check(options)
    const watched = new WatchedConnection(connection, () => this.#open.delete(watched))
    this.#open.set(watched, options.port)
    return watched
  }

  #check({ host, port }: ConnectOptions): void {
    if (this.#refused.has(port)) throw new NetworkError('ECONNREFUSED', 'connect', { host, port })
  }
}

/** Tells when a connection was closed from this side; one that a partition resets looks broken to its user. */
class WatchedConnection implements Connection {
  readonly #connection: Connection
  readonly #onClosed: () => void
  #onReady: (() => void) | undefined
  #broken = false

  constructor(connection: Connection, onClosed: () => void) {
    this.#connection = connection
    this.#onClosed = onClosed
  }

  get local() {
    return this.#connection.local
  }

  get remote() {
    return this.#connection.remote
  }

  read(maxBytes: number) {
    this.#check('read')
    return this.#connection.read(maxBytes)
  }

  write(chunk: Buffer): number {
    this.#check('write')
    return this.#connection.write(chunk)
  }

  onReady(callback: () => void): void {
    this.#onReady = callback
    this.#connection.onReady(callback)
  }

  end(): void {
    if (!this.#broken) this.#connection.end()
  }

  close(): void {
    this.#onClosed()
    this.#onReady = undefined
    this.#connection.close()
  }

  /** By the user, or by a partition: then the user is told. */
  reset(): void {
    this.#onClosed()
    this.#broken = true
    this.#connection.reset()
    const onReady = this.#onReady
    this.#onReady = undefined
    if (onReady !== undefined) queueMicrotask(onReady)
  }

  #check(operation: string): void {
    if (this.#broken) throw new NetworkError('ECONNRESET', operation, this.#connection.remote)
  }
}
