import {
  type Address,
  type Connection,
  type ConnectOptions,
  type Listener,
  type ListenOptions,
  type Network,
  NetworkError,
} from '../../../src/runtime/network.ts'
import type { WorldEvent } from '../event-heap.ts'
import type { SimulatedHost } from '../host.ts'
import type { SimulatedProcess } from '../process.ts'
import type { Endpoint, Silence } from './endpoint.ts'
import type { SimulatedNetwork } from './network.ts'

const FIRST_EPHEMERAL_PORT = 32_768
const LAST_PORT = 65_535
/** Linux gives up on unacknowledged data after `tcp_retries2` = 15 retransmissions, about this long. */
const RETRANSMISSION_TIMEOUT_US = 924_600_000
/** A SYN is sent again after 1, 2, 4 … s, `tcp_syn_retries` = 6 times, then the attempt times out. */
const SYN_RETRY_US = [1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, 32_000_000, 64_000_000] as const
const DEFAULT_BUFFER_BYTES = 65_536

/** A host's network stack: listening sockets and connections of its processes. */
export class TcpKernel {
  readonly network: SimulatedNetwork
  readonly host: SimulatedHost
  readonly listeners = new Map<number, ListeningSocket>()
  readonly endpoints = new Set<Endpoint>()
  /** Ports on which connection attempts are refused although something may listen. */
  readonly refusing = new Set<number>()
  #nextPort = FIRST_EPHEMERAL_PORT
  /** Connections whose data nobody acknowledges, and when they give up. */
  readonly #watched = new Map<Endpoint, WorldEvent>()
  /** Local ports of outgoing connections. */
  readonly #portsInUse = new Set<number>()
  /** Silences of connections that are gone. */
  readonly #pastSilences: Silence[] = []

  constructor(network: SimulatedNetwork, host: SimulatedHost) {
    this.network = network
    this.host = host
  }

  networkOf(process: SimulatedProcess): Network {
    return {
      listen: options =>
        new Promise(resolve => {
          if (process.alive) resolve(this.listen(process, options))
        }),
      connect: options => new Promise((resolve, reject) => this.connect(process, options, resolve, reject)),
    }
  }

  /** For a process that is alive. @throws NetworkError `EADDRINUSE` */
  listen(process: SimulatedProcess, options: ListenOptions): ListeningSocket {
    const port = options.port === 0 ? this.freePort() : options.port
    if (this.listeners.has(port)) throw new NetworkError('EADDRINUSE', 'listen', { host: options.host, port })
    const listener = new ListeningSocket(this, process, { host: options.host, port }, options)
    this.listeners.set(port, listener)
    return listener
  }

  /** Opens a connection; exactly one of the callbacks is called, later. Returns how to give up. */
  connect(
    process: SimulatedProcess,
    options: ConnectOptions,
    onConnected: (endpoint: Endpoint) => void,
    onFailed: (error: NetworkError) => void,
  ): () => void {
    return process.alive ? this.network.connect(process, options, onConnected, onFailed) : () => {}
  }

  /** @throws NetworkError `EADDRINUSE` when no port is left */
  freePort(): number {
    for (let tries = 0; tries <= LAST_PORT - FIRST_EPHEMERAL_PORT; tries++) {
      const port = this.#nextPort++
      if (this.#nextPort > LAST_PORT) this.#nextPort = FIRST_EPHEMERAL_PORT
      if (!this.listeners.has(port) && !this.#portsInUse.has(port)) return port
    }
    throw new NetworkError('EADDRINUSE', 'listen', { host: this.host.name, port: 0 })
  }

  add(endpoint: Endpoint): void {
    this.endpoints.add(endpoint)
    this.#portsInUse.add(endpoint.local.port)
  }

  /** For every connection this host has had, how long it went on writing without an answer (if it ever did). */
  silences(): Silence[] {
    const living = [...this.endpoints].map(({ silence }) => silence).filter(({ writes }) => writes > 0)
    return [...this.#pastSilences, ...living]
  }

  forget(endpoint: Endpoint): void {
    if (!this.endpoints.delete(endpoint)) return
    this.#portsInUse.delete(endpoint.local.port)
    if (endpoint.silence.writes > 0) this.#pastSilences.push(endpoint.silence)
    this.unwatch(endpoint)
  }

  /** A process is gone: its listeners close, its connections end as `close` ends them. */
  closeAllOf(process: SimulatedProcess): void {
    for (const listener of [...this.listeners.values()]) {
      if (listener.process === process) listener.close()
    }
    for (const endpoint of [...this.endpoints]) {
      if (endpoint.process === process) endpoint.close()
    }
  }

  /** The machine lost power: nobody is told. */
  vanish(): void {
    this.listeners.clear()
    for (const endpoint of [...this.endpoints]) endpoint.vanish()
    this.endpoints.clear()
    this.#portsInUse.clear()
    this.refusing.clear()
    this.network.watchTimeouts()
  }

  /** The machine is back: whatever peers still send to connections it no longer knows is answered with a reset. */
  boot(): void {
    this.network.recoverTo(this.host.name)
  }

  /** Data that nobody acknowledges breaks the connection in the end. */
  watchTimeout(endpoint: Endpoint): void {
    const pipe = endpoint.outPipe
    if (pipe === undefined || !pipe.isCutOff || this.#watched.has(endpoint) || !this.endpoints.has(endpoint)) return
    const { world } = this.host
    const event = world.at(world.nowUs + RETRANSMISSION_TIMEOUT_US, pipe.lane, 'timeout', () => {
      this.#watched.delete(endpoint)
      if (pipe.isCutOff && pipe.unsettled) endpoint.fail('ETIMEDOUT')
    })
    this.#watched.set(endpoint, event)
  }

  /** The peer can be heard again. */
  unwatch(endpoint: Endpoint): void {
    const event = this.#watched.get(endpoint)
    if (event === undefined) return
    event.cancelled = true
    this.#watched.delete(endpoint)
  }
}

/** A socket that listens: connections wait in its accept queue until the process takes them. */
export class ListeningSocket implements Listener {
  readonly address: Address
  readonly process: SimulatedProcess
  readonly options: ListenOptions
  readonly #kernel: TcpKernel
  readonly #queue: Endpoint[] = []
  #callback: (() => void) | undefined
  #closed = false

  constructor(kernel: TcpKernel, process: SimulatedProcess, address: Address, options: ListenOptions) {
    this.#kernel = kernel
    this.process = process
    this.address = address
    this.options = options
  }

  /** Whether a further connection has to wait outside: its SYN is dropped and sent again later. Linux holds one more than asked. */
  get full(): boolean {
    return this.#queue.length > this.options.backlog
  }

  get waiting(): number {
    return this.#queue.length
  }

  enqueue(endpoint: Endpoint): void {
    this.#queue.push(endpoint)
    if (this.process.held === undefined) this.#notify()
    else this.#notifyLater()
  }

  #notify(): void {
    try {
      this.#callback?.()
    } catch (error) {
      this.process.world.uncaught(error, this.process) // it is the application's error, not the network's
    }
  }

  #notifyLater(): void {
    const { world, mainLane } = this.process
    world.at(world.nowUs, mainLane, 'notify', () => this.#notify())
  }

  accept(): Connection | null {
    if (this.#closed) throw new NetworkError('ECLOSED', 'accept', this.address)
    return this.#queue.shift() ?? null
  }

  onReady(callback: () => void): void {
    if (this.#closed) return
    this.#callback = callback
    if (this.#queue.length > 0) this.#notifyLater()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#callback = undefined
    // A process that died with its machine may still get here; the port may be another's by then.
    if (this.#kernel.listeners.get(this.address.port) === this) this.#kernel.listeners.delete(this.address.port)
    for (const endpoint of this.#queue.splice(0)) endpoint.reset()
  }
}

export { DEFAULT_BUFFER_BYTES, SYN_RETRY_US }
