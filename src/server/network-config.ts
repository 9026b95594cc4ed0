import { ConfigError } from '../config/config-error.ts'
import type { ListenerQuota } from '../network/connection-quotas.ts'
import { type SocketServerConfig, UNLIMITED_LISTENER } from '../network/socket-server-config.ts'
import type { EndPoint } from './config/end-point.ts'
import type { KafkaConfig } from './config/kafka-config.ts'

/** All addresses of the host, as an empty host in `listeners` says. */
const WILDCARD = '0.0.0.0'

/** What the network layer of a broker takes from its configuration. Throws ConfigError for a listener's own limits. */
export function socketServerConfigOf(config: KafkaConfig): SocketServerConfig {
  return configFor(config, config.listeners)
}

/** The same for a controller, whose server is another one. */
export function controllerSocketServerConfigOf(config: KafkaConfig): SocketServerConfig {
  return configFor(config, config.controllerListeners)
}

function configFor(config: KafkaConfig, listeners: readonly EndPoint[]): SocketServerConfig {
  return {
    nodeId: config.nodeId,
    listeners: listeners.map(({ name, host, port }) => ({ name, host: host === '' ? WILDCARD : host, port })),
    interBrokerListenerName: config.interBrokerListenerName,
    numNetworkThreads: config.getNumber('num.network.threads'),
    queuedMaxRequests: config.getNumber('queued.max.requests'),
    queuedMaxRequestBytes: config.getNumber('queued.max.request.bytes'),
    socketRequestMaxBytes: config.getNumber('socket.request.max.bytes'),
    socketSendBufferBytes: config.getNumber('socket.send.buffer.bytes'),
    socketReceiveBufferBytes: config.getNumber('socket.receive.buffer.bytes'),
    socketListenBacklogSize: config.getNumber('socket.listen.backlog.size'),
    maxConnections: config.getNumber('max.connections'),
    maxConnectionsPerIp: config.getNumber('max.connections.per.ip'),
    maxConnectionsPerIpOverrides: config.maxConnectionsPerIpOverrides,
    maxConnectionCreationRate: config.getNumber('max.connection.creation.rate'),
    listenerQuotas: new Map(listeners.map(({ name }) => [name, listenerQuotaOf(config, name)])),
    connectionsMaxIdleMs: config.getNumber('connections.max.idle.ms'),
  }
}

/** `listener.name.<listener>.max.connections` and `….max.connection.creation.rate`; the listener in lower case. */
function listenerQuotaOf(config: KafkaConfig, listenerName: string): ListenerQuota {
  const limit = (key: string, fallback: number) => {
    const name = `listener.name.${listenerName.toLowerCase()}.${key}`
    const value = config.explicit(name)
    if (value === undefined) return fallback
    if (/^\d{1,10}$/.test(value.trim())) return Number(value)
    throw new ConfigError(name, value, 'expected a whole number from 0 up')
  }
  return {
    maxConnections: limit('max.connections', UNLIMITED_LISTENER.maxConnections),
    maxConnectionCreationRate: limit('max.connection.creation.rate', UNLIMITED_LISTENER.maxConnectionCreationRate),
  }
}
