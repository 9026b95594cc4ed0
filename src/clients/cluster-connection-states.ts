import type { RandomStream } from '../runtime/runtime.ts'
import { ExponentialBackoff } from './exponential-backoff.ts'

const EXP_BASE = 2
const JITTER = 0.2

type ConnectionState = 'connecting' | 'checking-api-versions' | 'ready' | 'disconnected'

interface NodeConnectionState {
  readonly host: string
  state: ConnectionState
  lastConnectAttemptMs: number
  failedAttempts: number
  failedConnectAttempts: number
  reconnectBackoffMs: number
  connectionSetupTimeoutMs: number
  throttleUntilMs: number
}

export interface ClusterConnectionStatesOptions {
  /** `reconnect.backoff.ms` */
  readonly reconnectBackoffMs: number
  /** `reconnect.backoff.max.ms` */
  readonly reconnectBackoffMaxMs: number
  /** `socket.connection.setup.timeout.ms` */
  readonly connectionSetupTimeoutMs: number
  /** `socket.connection.setup.timeout.max.ms` */
  readonly connectionSetupTimeoutMaxMs: number
  readonly random: RandomStream
}

/**
 * How the connections to all nodes stand, and when each may be tried again (Kafka's ClusterConnectionStates; KIP-144,
 * KIP-601). Times are of the monotonic clock.
 */
export class ClusterConnectionStates {
  readonly #nodes = new Map<number, NodeConnectionState>()
  readonly #reconnectBackoff: ExponentialBackoff
  readonly #connectionSetupTimeout: ExponentialBackoff

  constructor(options: ClusterConnectionStatesOptions) {
    const { random } = options
    this.#reconnectBackoff = new ExponentialBackoff({
      initialIntervalMs: options.reconnectBackoffMs,
      multiplier: EXP_BASE,
      maxIntervalMs: options.reconnectBackoffMaxMs,
      jitter: JITTER,
      random,
    })
    this.#connectionSetupTimeout = new ExponentialBackoff({
      initialIntervalMs: options.connectionSetupTimeoutMs,
      multiplier: EXP_BASE,
      maxIntervalMs: options.connectionSetupTimeoutMaxMs,
      jitter: JITTER,
      random,
    })
  }

  /** Whether a connection may be started now: there is none, and the reconnect backoff is over. */
  canConnect(id: number, nowMs: number): boolean {
    const node = this.#nodes.get(id)
    if (node === undefined) return true
    return node.state === 'disconnected' && nowMs - node.lastConnectAttemptMs >= node.reconnectBackoffMs
  }

  /** Milliseconds until it makes sense to look again: the backoff, the setup timeout, or for ever when connected. */
  connectionDelay(id: number, nowMs: number): number {
    const node = this.#nodes.get(id)
    if (node === undefined) return 0
    if (node.state === 'connecting') return node.connectionSetupTimeoutMs
    if (node.state !== 'disconnected') return Number.POSITIVE_INFINITY
    return Math.max(node.reconnectBackoffMs - (nowMs - node.lastConnectAttemptMs), 0)
  }

  isConnecting(id: number): boolean {
    return this.#nodes.get(id)?.state === 'connecting'
  }

  /** Whether a connection is on its way to be ready. */
  isPreparingConnection(id: number): boolean {
    const state = this.#nodes.get(id)?.state
    return state === 'connecting' || state === 'checking-api-versions'
  }

  isConnected(id: number): boolean {
    const state = this.#nodes.get(id)?.state
    return state === 'ready' || state === 'checking-api-versions'
  }

  /** Whether a connection was made or tried, and there is none now. */
  isDisconnected(id: number): boolean {
    return this.#nodes.get(id)?.state === 'disconnected'
  }

  /** Whether requests may be sent: handshake done, not throttled. */
  isReady(id: number, nowMs: number): boolean {
    const node = this.#nodes.get(id)
    return node !== undefined && isReady(node, nowMs)
  }

  hasReadyNodes(nowMs: number): boolean {
    for (const node of this.#nodes.values()) if (isReady(node, nowMs)) return true
    return false
  }

  /** A connection is being made. */
  connecting(id: number, nowMs: number, host: string): void {
    const known = this.#nodes.get(id)
    if (known?.host === host) {
      known.lastConnectAttemptMs = nowMs
      known.state = 'connecting'
      return
    }
    this.#nodes.set(id, {
      host,
      state: 'connecting',
      lastConnectAttemptMs: nowMs,
      failedAttempts: 0,
      failedConnectAttempts: 0,
      reconnectBackoffMs: this.#reconnectBackoff.backoff(0),
      connectionSetupTimeoutMs: this.#connectionSetupTimeout.backoff(0),
      throttleUntilMs: Number.NEGATIVE_INFINITY,
    })
  }

  /** The connection is made; the node is asked for its versions. */
  checkingApiVersions(id: number): void {
    const node = this.#node(id)
    node.state = 'checking-api-versions'
    this.#resetConnectionSetupTimeout(node)
  }

  ready(id: number): void {
    const node = this.#node(id)
    node.state = 'ready'
    node.failedAttempts = 0
    node.reconnectBackoffMs = this.#reconnectBackoff.backoff(0)
    this.#resetConnectionSetupTimeout(node)
  }

  /** The connection is gone, or was not made. */
  disconnected(id: number, nowMs: number): void {
    const node = this.#node(id)
    node.lastConnectAttemptMs = nowMs
    node.reconnectBackoffMs = this.#reconnectBackoff.backoff(node.failedAttempts)
    node.failedAttempts++
    if (node.state === 'connecting') {
      node.failedConnectAttempts++
      node.connectionSetupTimeoutMs = this.#connectionSetupTimeout.backoff(node.failedConnectAttempts)
    } else {
      this.#resetConnectionSetupTimeout(node)
    }
    node.state = 'disconnected'
  }

  /** Nothing may be sent until then: the node asked for it. */
  throttle(id: number, untilMs: number): void {
    const node = this.#nodes.get(id)
    if (node !== undefined && node.throttleUntilMs < untilMs) node.throttleUntilMs = untilMs
  }

  throttleDelayMs(id: number, nowMs: number): number {
    const node = this.#nodes.get(id)
    return node === undefined ? 0 : Math.max(0, node.throttleUntilMs - nowMs)
  }

  /** Milliseconds until it makes sense to look again, whatever holds it up. */
  pollDelayMs(id: number, nowMs: number): number {
    const throttleDelayMs = this.throttleDelayMs(id, nowMs)
    return this.isConnected(id) && throttleDelayMs > 0 ? throttleDelayMs : this.connectionDelay(id, nowMs)
  }

  /** When a connection was last tried or lost; -∞: never. */
  lastConnectAttemptMs(id: number): number {
    return this.#nodes.get(id)?.lastConnectAttemptMs ?? Number.NEGATIVE_INFINITY
  }

  /** How long the connection that is being made may take. */
  connectionSetupTimeoutMs(id: number): number {
    return this.#node(id).connectionSetupTimeoutMs
  }

  /** Forgets the node. */
  remove(id: number): void {
    this.#nodes.delete(id)
  }

  #resetConnectionSetupTimeout(node: NodeConnectionState): void {
    node.failedConnectAttempts = 0
    node.connectionSetupTimeoutMs = this.#connectionSetupTimeout.backoff(0)
  }

  #node(id: number): NodeConnectionState {
    const node = this.#nodes.get(id)
    if (node === undefined) throw new RangeError(`there is no connection to node ${id}`)
    return node
  }
}

function isReady(node: NodeConnectionState, nowMs: number): boolean {
  return node.state === 'ready' && node.throttleUntilMs <= nowMs
}
