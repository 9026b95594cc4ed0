import { INT_MAX } from '../../../config/config-def.ts'
import { type BrokerConfigDef, define } from '../config-def.ts'

/** Listeners, connections and the request queue (Kafka's SocketServerConfigs). */
export const SOCKET_SERVER_DEFS: readonly BrokerConfigDef[] = [
  define('listeners', 'STRING', 'PLAINTEXT://:9092', 'Where the node listens: a list of NAME://host:port.', {
    update: 'per-broker',
  }),
  define('advertised.listeners', 'STRING', null, 'The addresses that clients are told; by default the listeners.', {
    update: 'per-broker',
  }),
  define(
    'listener.security.protocol.map',
    'STRING',
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'The security protocol of each listener name; only PLAINTEXT is built.',
    { update: 'per-broker' },
  ),
  define('num.network.threads', 'INT', 3, 'Network threads for each listener.', { min: 1, update: 'cluster-wide' }),
  define('queued.max.requests', 'INT', 500, 'Requests that wait before network threads are held back.', { min: 1 }),
  define(
    'queued.max.request.bytes',
    'LONG',
    -1,
    'Bytes of requests that wait before nothing more is read; -1: no limit.',
  ),
  define('socket.send.buffer.bytes', 'INT', 102_400, 'Size of the send buffer of a connection; -1: that of the host.'),
  define('socket.receive.buffer.bytes', 'INT', 102_400, 'Size of the receive buffer; -1: that of the host.'),
  define('socket.request.max.bytes', 'INT', 104_857_600, 'Size of the largest request.', { min: 1 }),
  define('socket.listen.backlog.size', 'INT', 50, 'Connections that wait to be accepted.', { min: 1 }),
  define('max.connections', 'INT', INT_MAX, 'Connections that the broker has at most.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('max.connections.per.ip', 'INT', INT_MAX, 'Connections from one address at most.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define('max.connections.per.ip.overrides', 'STRING', '', 'Other limits for single addresses: host:count, …', {
    update: 'cluster-wide',
  }),
  define('max.connection.creation.rate', 'INT', INT_MAX, 'Connections accepted in a second at most.', {
    min: 0,
    update: 'cluster-wide',
  }),
  define(
    'socket.connection.setup.timeout.ms',
    'LONG',
    10_000,
    'How long a connection to another node may take to be made.',
  ),
  define('connections.max.idle.ms', 'LONG', 600_000, 'Idle time after which a connection is closed.'),
  define(
    'connection.failed.authentication.delay.ms',
    'INT',
    100,
    'How long the close of a connection is delayed whose authentication has failed.',
    { min: 0 },
  ),
]
