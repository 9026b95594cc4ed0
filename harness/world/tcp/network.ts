import { type ConnectOptions, NetworkError, type NetworkErrorCode } from '../../../src/runtime/network.ts'
import type { WorldEvent } from '../event-heap.ts'
import type { SimulatedHost } from '../host.ts'
import type { Lane } from '../lane.ts'
import type { SimulatedProcess } from '../process.ts'
import type { World } from '../world.ts'
import { Endpoint } from './endpoint.ts'
import { DEFAULT_BUFFER_BYTES, type ListeningSocket, SYN_RETRY_US } from './kernel.ts'
import { Link, type LinkConditions } from './link.ts'
import { Pipe } from './pipe.ts'

export interface NetworkOptions {
  /** One-way latency between hosts, microseconds. Default 150 to 600. */
  readonly latencyUs?: readonly [low: number, high: number]
  /** One-way latency within a host, microseconds. Default 15 to 40. */
  readonly loopbackUs?: readonly [low: number, high: number]
  /** Splits segments at arbitrary bytes. Default: 5 %, pieces of any size. */
  readonly fragment?: LinkConditions['fragment']
}

const LOCAL_NAMES = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0'])
const NO_FRAGMENTS = { probability: 0.05, maxBytes: 65_536 }

/** A live connection as faults see it. */
export interface NetworkConnection {
  readonly id: number
  readonly client: Endpoint
  readonly server: Endpoint
}

/** The wires between hosts, and the name service. */
export class SimulatedNetwork {
  /** Names that do not resolve now, and with which error. */
  readonly dnsFailures = new Map<string, 'ENOTFOUND' | 'EAI_AGAIN'>()
  /** Called when a connection attempt is refused, with the name of the host that tried. */
  onRefused: ((from: string) => void) | undefined
  /** The lane of connection attempts on their way. */
  readonly lane: Lane
  readonly #world: World
  readonly #options: NetworkOptions
  readonly #links = new Map<string, Link>()
  readonly #connections = new Map<number, NetworkConnection>()
  #lastConnection = 0

  constructor(world: World, options: NetworkOptions) {
    this.#world = world
    this.#options = options
    this.lane = world.lane('network', undefined)
  }

  /** Connections of which at least one end still lives, oldest first. */
  connections(): NetworkConnection[] {
    const live: NetworkConnection[] = []
    for (const [id, connection] of this.#connections) {
      if (connection.client.closed && connection.server.closed) this.#connections.delete(id)
      else live.push(connection)
    }
    return live
  }

  /** The path from one host to another; made when first used, with its own random stream. */
  link(from: string, to: string): Link {
    const key = `${from}>${to}`
    let link = this.#links.get(key)
    if (link === undefined) {
      link = new Link(from, to, this.#world.random(`link/${key}`), this.defaults(from, to))
      this.#links.set(key, link)
    }
    return link
  }

  /** What a path is like when nothing is wrong with it. */
  defaults(from: string, to: string): LinkConditions {
    const latencyUs = from === to ? (this.#options.loopbackUs ?? [15, 40]) : (this.#options.latencyUs ?? [150, 600])
    return {
      latencyUs,
      bytesPerSecond: Number.POSITIVE_INFINITY,
      fragment: this.#options.fragment ?? NO_FRAGMENTS,
      blocked: false,
    }
  }

  /** Stops everything on a path; `unblock` lets it through again. */
  block(from: string, to: string): void {
    const link = this.link(from, to)
    if (link.conditions.blocked) return
    link.conditions.blocked = true
    link.blockedSinceUs = this.#world.nowUs
    this.watchTimeouts()
  }

  unblock(from: string, to: string): void {
    const link = this.link(from, to)
    link.conditions.blocked = false
    this.#recover(link)
  }

  /** Kills one flow silently: its bytes vanish in both directions while new connections work. */
  blackhole(connection: NetworkConnection): void {
    for (const pipe of [connection.client.outPipe, connection.server.outPipe]) {
      if (pipe !== undefined) pipe.blocked = true
    }
    this.watchTimeouts()
  }

  revive(connection: NetworkConnection): void {
    const pipes = [connection.client.outPipe, connection.server.outPipe].filter(pipe => pipe !== undefined)
    for (const pipe of pipes) pipe.blocked = false
    for (const pipe of pipes) this.#recover(pipe.link)
  }

  /** Paths to a host work again because it is up again. */
  recoverTo(hostName: string): void {
    for (const link of this.#links.values()) {
      if (link.to === hostName || link.from === hostName) this.#recover(link)
    }
  }

  #recover(link: Link): void {
    for (const pipe of [...link.stalled]) {
      // A stalled pipe has lost bytes on this path, or is one of the way back whose acknowledgements were lost here.
      pipe.acknowledge()
      if (pipe.link === link) pipe.recover()
    }
    for (const end of this.#liveEnds()) if (!end.outPipe?.isCutOff) end.kernel.unwatch(end)
  }

  /** Starts the clock of connections that have sent something and hear nothing. */
  watchTimeouts(): void {
    for (const end of this.#liveEnds()) if (end.outPipe?.unsettled) end.kernel.watchTimeout(end)
  }

  #liveEnds(): Endpoint[] {
    return this.connections().flatMap(({ client, server }) => [client, server])
  }

  /** The host a name stands for, seen from `from`. */
  resolve(from: SimulatedHost, name: string): SimulatedHost | NetworkErrorCode {
    if (LOCAL_NAMES.has(name)) return from
    const failure = this.dnsFailures.get(name)
    if (failure !== undefined) return failure
    const host = this.#world.hosts.get(name)
    if (host !== undefined) return host
    for (const other of this.#world.hosts.values()) {
      if (other.ip === name) return other
    }
    return 'ENOTFOUND'
  }

  /** The SYN's way and back. Exactly one callback is called, later, unless the returned function gave up before. */
  connect(
    process: SimulatedProcess,
    options: ConnectOptions,
    onConnected: (endpoint: Endpoint) => void,
    onFailed: (error: NetworkError) => void,
  ): () => void {
    const attempt = new ConnectAttempt(this.#world, this, process, options, onConnected, onFailed)
    attempt.start()
    return () => attempt.giveUp()
  }

  /** Both ends of a new connection. */
  establish(process: SimulatedProcess, options: ConnectOptions, listener: ListeningSocket): NetworkConnection {
    const world = this.#world
    const id = ++this.#lastConnection
    const clientHost = process.host
    const serverHost = listener.process.host
    const local = { host: clientHost.name, port: clientHost.kernel.freePort() }
    const lane = world.lane(`c${id} ${clientHost.name}>${serverHost.name}`, undefined)
    const back = world.lane(`c${id} ${clientHost.name}<${serverHost.name}`, undefined)
    const client = new Endpoint(
      clientHost.kernel,
      process,
      local,
      { host: options.host, port: options.port },
      `c${id}>`,
      process.mainLane,
    )
    const server = new Endpoint(
      serverHost.kernel,
      listener.process,
      { host: serverHost.name, port: options.port },
      local,
      `c${id}<`,
      listener.process.mainLane,
    )
    client.outPipe = server.inPipe = new Pipe(
      world,
      lane,
      client,
      server,
      this.link(clientHost.name, serverHost.name),
      options.sendBufferBytes ?? DEFAULT_BUFFER_BYTES,
      listener.options.receiveBufferBytes ?? DEFAULT_BUFFER_BYTES,
    )
    server.outPipe = client.inPipe = new Pipe(
      world,
      back,
      server,
      client,
      this.link(serverHost.name, clientHost.name),
      listener.options.sendBufferBytes ?? DEFAULT_BUFFER_BYTES,
      options.receiveBufferBytes ?? DEFAULT_BUFFER_BYTES,
    )
    clientHost.kernel.add(client)
    serverHost.kernel.add(server)
    const connection = { id, client, server }
    this.#connections.set(id, connection)
    return connection
  }
}

/** One `connect` call: name look-up, SYN with its retries, the answer. */
class ConnectAttempt {
  readonly #world: World
  readonly #network: SimulatedNetwork
  readonly #process: SimulatedProcess
  readonly #options: ConnectOptions
  readonly #onConnected: (endpoint: Endpoint) => void
  readonly #onFailed: (error: NetworkError) => void
  #retries = 0
  #sentUs = 0
  #over = false
  #event: WorldEvent | undefined
  /** This end of the connection once the peer has answered. */
  #endpoint: Endpoint | undefined

  constructor(
    world: World,
    network: SimulatedNetwork,
    process: SimulatedProcess,
    options: ConnectOptions,
    onConnected: (endpoint: Endpoint) => void,
    onFailed: (error: NetworkError) => void,
  ) {
    this.#world = world
    this.#network = network
    this.#process = process
    this.#options = options
    this.#onConnected = onConnected
    this.#onFailed = onFailed
  }

  start(): void {
    this.#world.note('syn', `${this.#process.name} ${this.#options.host}:${this.#options.port}`, this.#process.mainLane)
    const target = this.#network.resolve(this.#process.host, this.#options.host)
    if (typeof target === 'string') this.#at(this.#world.nowUs + 1000, 'refused', () => this.#fail(target))
    else this.#sendSyn(target)
  }

  /** No callback is called any more; a connection that the peer has accepted already is reset. */
  giveUp(): void {
    if (this.#over) return
    this.#over = true
    if (this.#event !== undefined) this.#event.cancelled = true
    this.#endpoint?.reset()
  }

  #sendSyn(target: SimulatedHost): void {
    const there = this.#network.link(this.#process.host.name, target.name)
    this.#sentUs = this.#world.nowUs
    const arrivalUs = there.arrivalUs(this.#sentUs, 0)
    this.#event = this.#world.at(arrivalUs, this.#network.lane, 'syn', () => {
      if (this.#over || !this.#process.alive) return
      const back = this.#network.link(target.name, this.#process.host.name)
      const lost = there.conditions.blocked || back.conditions.blocked || !target.up
      const listener = target.kernel.listeners.get(this.#options.port)
      if (lost || (listener?.full ?? false)) this.#retry(() => this.#sendSyn(target))
      else if (listener === undefined || target.kernel.refusing.has(this.#options.port))
        this.#answer(back.arrivalUs(this.#world.nowUs, 0), 'ECONNREFUSED')
      else this.#accept(back, listener)
    })
  }

  /** The kernel tries again, also while the process stands still, until it gives up. */
  #retry(again: () => void): void {
    const atUs = this.#sentUs + (SYN_RETRY_US[this.#retries++] ?? 0)
    if (this.#retries === SYN_RETRY_US.length) this.#at(atUs, 'timeout', () => this.#fail('ETIMEDOUT'))
    else {
      this.#event = this.#world.at(atUs, this.#network.lane, 'retransmit', () => {
        if (!this.#over && this.#process.alive) again()
      })
    }
  }

  #answer(atUs: number, code: NetworkErrorCode): void {
    this.#network.onRefused?.(this.#process.host.name)
    this.#at(atUs, 'refused', () => this.#fail(code))
  }

  #accept(back: Link, listener: ListeningSocket): void {
    const { client, server } = this.#network.establish(this.#process, this.#options, listener)
    this.#endpoint = client
    listener.enqueue(server)
    this.#sendSynAck(back, client)
  }

  #sendSynAck(back: Link, client: Endpoint): void {
    this.#sentUs = this.#world.nowUs
    const arrivalUs = back.arrivalUs(this.#sentUs, 0)
    this.#event = this.#world.at(arrivalUs, this.#process.mainLane, 'established', () => {
      if (back.conditions.blocked) {
        this.#retry(() => this.#sendSynAck(back, client))
        return
      }
      this.#over = true
      this.#onConnected(client)
    })
  }

  #fail(code: NetworkErrorCode): void {
    this.#over = true
    this.#endpoint?.reset()
    this.#onFailed(new NetworkError(code, 'connect', this.#options))
  }

  #at(timeUs: number, kind: 'refused' | 'timeout', run: () => void): void {
    this.#event = this.#world.at(timeUs, this.#process.mainLane, kind, () => {
      if (!this.#over) run()
    })
  }
}
