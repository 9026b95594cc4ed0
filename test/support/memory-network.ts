import {
  type Address,
  type Connection,
  type ConnectOptions,
  END_OF_STREAM,
  type Listener,
  type ListenOptions,
  type Network,
  NetworkError,
  type NetworkErrorCode,
} from '../../src/runtime/network.ts'

const DEFAULT_SEND_BUFFER_BYTES = 102_400
const DEFAULT_RECEIVE_BUFFER_BYTES = 65_536
const FIRST_FREE_PORT = 49_152

/** A network in memory, shared by the hosts that stand on it: no latency, no loss, finite buffers. */
export class MemoryNetwork {
  readonly #listeners = new Map<string, MemoryListener>()
  #nextPort = FIRST_FREE_PORT

  /** The network as a host with this address sees it. */
  on(hostAddress: string): Network {
    return {
      listen: async options => this.#listen(options),
      connect: options => this.#connect(options, hostAddress),
    }
  }

  remove(address: Address): void {
    this.#listeners.delete(keyOf(address))
  }

  #listen(options: ListenOptions): Listener {
    const address = { host: options.host, port: options.port === 0 ? this.#freePort() : options.port }
    if (this.#find(address) !== undefined) throw new NetworkError('EADDRINUSE', 'listen', address)
    const listener = new MemoryListener(this, address, options)
    this.#listeners.set(keyOf(address), listener)
    return listener
  }

  async #connect(options: ConnectOptions, hostAddress: string): Promise<Connection> {
    const remote = { host: options.host, port: options.port }
    const listener = this.#find(remote)
    if (listener === undefined) throw new NetworkError('ECONNREFUSED', 'connect', remote)
    const local = { host: hostAddress, port: this.#freePort() }
    return listener.admit(local, remote, options)
  }

  #find(address: Address): MemoryListener | undefined {
    return this.#listeners.get(keyOf(address)) ?? this.#listeners.get(keyOf({ host: '0.0.0.0', port: address.port }))
  }

  #freePort(): number {
    this.#nextPort += 1
    return this.#nextPort - 1
  }
}

function keyOf(address: Address): string {
  return `${address.host === 'localhost' ? '127.0.0.1' : address.host}:${address.port}`
}

interface WaitingConnect {
  readonly connection: MemoryConnection
  readonly settle: (failure: NetworkError | undefined) => void
}

class MemoryListener implements Listener {
  readonly address: Address
  readonly #network: MemoryNetwork
  readonly #options: ListenOptions
  readonly #ready = new ReadyCallback()
  readonly #queue: MemoryConnection[] = []
  /** Connects beyond the backlog; they wait as SYNs that a full accept queue leaves unanswered do. */
  readonly #overflow: WaitingConnect[] = []
  #closed = false

  constructor(network: MemoryNetwork, address: Address, options: ListenOptions) {
    this.#network = network
    this.address = address
    this.#options = options
  }

  async admit(local: Address, remote: Address, options: ConnectOptions): Promise<Connection> {
    const toServer = new Pipe(sendBufferOf(options) + receiveBufferOf(this.#options))
    const toClient = new Pipe(sendBufferOf(this.#options) + receiveBufferOf(options))
    const client = new MemoryConnection(local, remote, toClient, toServer)
    const server = new MemoryConnection(remote, local, toServer, toClient)
    client.peer = server
    server.peer = client
    if (this.#queue.length >= this.#options.backlog) {
      const failure = await new Promise<NetworkError | undefined>(settle => {
        this.#overflow.push({ connection: server, settle })
      })
      if (failure !== undefined) throw failure
    } else {
      this.#enqueue(server)
    }
    return client
  }

  accept(): Connection | null {
    if (this.#closed) throw new NetworkError('ECLOSED', 'accept', this.address)
    const connection = this.#queue.shift() ?? null
    const next = this.#overflow.shift()
    if (next !== undefined) {
      this.#enqueue(next.connection)
      next.settle(undefined)
    }
    return connection
  }

  onReady(callback: () => void): void {
    this.#ready.set(callback)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready.clear()
    this.#network.remove(this.address)
    for (const connection of this.#queue) connection.reset()
    for (const { settle } of this.#overflow) settle(new NetworkError('ECONNREFUSED', 'connect', this.address))
  }

  #enqueue(connection: MemoryConnection): void {
    this.#queue.push(connection)
    this.#ready.notify()
  }
}

class MemoryConnection implements Connection {
  readonly local: Address
  readonly remote: Address
  peer: MemoryConnection | undefined
  readonly #incoming: Pipe
  readonly #outgoing: Pipe
  readonly #ready = new ReadyCallback()
  #failure: NetworkErrorCode | undefined
  #closed = false

  constructor(local: Address, remote: Address, incoming: Pipe, outgoing: Pipe) {
    this.local = local
    this.remote = remote
    this.#incoming = incoming
    this.#outgoing = outgoing
  }

  read(maxBytes: number): Buffer | null | typeof END_OF_STREAM {
    this.#check('read')
    const wasFull = this.#incoming.free === 0
    const bytes = this.#incoming.take(maxBytes)
    if (bytes === null) return this.#incoming.ended ? END_OF_STREAM : null
    if (wasFull) this.peer?.wake()
    return bytes
  }

  write(chunk: Buffer): number {
    this.#check('write')
    if (this.#outgoing.ended) throw new NetworkError('EPIPE', 'write', this.remote)
    if (this.#outgoing.abandoned) {
      this.fail('ECONNRESET') // the peer's host answers bytes for a socket that is gone with a reset
      return chunk.length
    }
    const taken = this.#outgoing.add(chunk)
    if (taken > 0) this.peer?.wake()
    return taken
  }

  onReady(callback: () => void): void {
    this.#ready.set(callback)
  }

  end(): void {
    this.#check('end')
    this.#endOutgoing()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready.clear()
    this.#incoming.abandoned = true
    if (this.#failure === undefined) this.#endOutgoing()
  }

  reset(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready.clear()
    this.peer?.fail('ECONNRESET')
  }

  /** Breaks the connection from outside. */
  fail(code: NetworkErrorCode): void {
    if (this.#closed || this.#failure !== undefined) return
    this.#failure = code
    this.wake()
  }

  wake(): void {
    this.#ready.notify()
  }

  #endOutgoing(): void {
    this.#outgoing.ended = true
    this.peer?.wake()
  }

  #check(operation: string): void {
    if (this.#closed) throw new NetworkError('ECLOSED', operation, this.remote)
    if (this.#failure !== undefined) throw new NetworkError(this.#failure, operation, this.remote)
  }
}

/** One direction of a connection: the sender's and the receiver's buffer in one. */
class Pipe {
  ended = false
  /** The receiver has closed: bytes go nowhere. */
  abandoned = false
  readonly #capacity: number
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get free(): number {
    return this.#capacity - this.#bytes
  }

  add(chunk: Buffer): number {
    const taken = Math.min(this.free, chunk.length)
    if (taken > 0) this.#chunks.push(chunk.subarray(0, taken))
    this.#bytes += taken
    return taken
  }

  take(maxBytes: number): Buffer | null {
    const first = this.#chunks[0]
    if (first === undefined) return null
    const bytes = first.subarray(0, maxBytes)
    if (bytes.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(bytes.length)
    this.#bytes -= bytes.length
    return bytes
  }
}

/** Calls back in a microtask, once for any number of reasons, never inside the call that gave the reason. */
class ReadyCallback {
  #callback: (() => void) | undefined
  #scheduled = false

  set(callback: () => void): void {
    this.#callback = callback
    this.notify()
  }

  clear(): void {
    this.#callback = undefined
  }

  notify(): void {
    if (this.#scheduled || this.#callback === undefined) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#callback?.()
    })
  }
}

function sendBufferOf(options: ConnectOptions): number {
  return options.sendBufferBytes ?? DEFAULT_SEND_BUFFER_BYTES
}

function receiveBufferOf(options: ConnectOptions): number {
  return options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES
}
