import type { ListenerQuota } from './connection-quotas.ts'

/** An address that a broker listens on. */
export interface EndPoint {
  /** The listener's name, upper case: `PLAINTEXT`. */
  readonly name: string
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** What the network layer takes from Kafka's configuration. Defaults are Kafka 4.2's. */
export interface SocketServerConfig {
  readonly nodeId: number
  readonly listeners: readonly EndPoint[]
  /** `inter.broker.listener.name` */
  readonly interBrokerListenerName: string
  /** `num.network.threads`: processors a listener. */
  readonly numNetworkThreads: number
  /** `queued.max.requests` */
  readonly queuedMaxRequests: number
  /** `queued.max.request.bytes`; −1: no bound. */
  readonly queuedMaxRequestBytes: number
  /** `socket.request.max.bytes` */
  readonly socketRequestMaxBytes: number
  /** `socket.send.buffer.bytes`; −1: the host's default. */
  readonly socketSendBufferBytes: number
  /** `socket.receive.buffer.bytes`; −1: the host's default. */
  readonly socketReceiveBufferBytes: number
  /** `socket.listen.backlog.size` */
  readonly socketListenBacklogSize: number
  /** `max.connections` */
  readonly maxConnections: number
  /** `max.connections.per.ip` */
  readonly maxConnectionsPerIp: number
  /** `max.connections.per.ip.overrides` */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>
  /** `max.connection.creation.rate`, connections per second. */
  readonly maxConnectionCreationRate: number
  /** `listener.name.<listener>.max.connections` and `….max.connection.creation.rate`, by listener. */
  readonly listenerQuotas: ReadonlyMap<string, ListenerQuota>
  /** `connections.max.idle.ms` */
  readonly connectionsMaxIdleMs: number
}

const UNLIMITED = Number.MAX_SAFE_INTEGER

/** Limits of a listener that none were set for. */
export const UNLIMITED_LISTENER: ListenerQuota = { maxConnections: UNLIMITED, maxConnectionCreationRate: UNLIMITED }

/** A configuration with Kafka's defaults for everything but the listeners. */
export function socketServerConfig(
  given: Pick<SocketServerConfig, 'nodeId' | 'listeners'> & Partial<SocketServerConfig>,
): SocketServerConfig {
  return {
    interBrokerListenerName: given.listeners[0]?.name ?? 'PLAINTEXT',
    numNetworkThreads: 3,
    queuedMaxRequests: 500,
    queuedMaxRequestBytes: -1,
    socketRequestMaxBytes: 100 * 1024 * 1024,
    socketSendBufferBytes: 100 * 1024,
    socketReceiveBufferBytes: 100 * 1024,
    socketListenBacklogSize: 50,
    maxConnections: UNLIMITED,
    maxConnectionsPerIp: UNLIMITED,
    maxConnectionsPerIpOverrides: new Map(),
    maxConnectionCreationRate: UNLIMITED,
    listenerQuotas: new Map(),
    connectionsMaxIdleMs: 600_000,
    ...given,
  }
}
