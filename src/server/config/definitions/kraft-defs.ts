import { type BrokerConfigDef, define } from '../config-def.ts'

/** Roles and the quorum (Kafka's KRaftConfigs and QuorumConfig). */
export const KRAFT_DEFS: readonly BrokerConfigDef[] = [
  define('process.roles', 'LIST', '', 'What the node is: broker, controller, or both.', {
    oneOf: ['broker', 'controller'],
  }),
  define('node.id', 'INT', -1, 'The id of the node.'),
  define('controller.quorum.voters', 'LIST', '', 'The voters of the metadata log: id@host:port, …'),
  define('controller.quorum.bootstrap.servers', 'LIST', '', 'Where the quorum can be found: host:port, …'),
  define('controller.listener.names', 'STRING', null, 'The listeners of the controllers.'),
  define(
    'inter.broker.listener.name',
    'STRING',
    null,
    'The listener that brokers use among themselves; by default PLAINTEXT.',
  ),
  define('security.inter.broker.protocol', 'STRING', 'PLAINTEXT', 'The security protocol among brokers.', {
    oneOf: ['PLAINTEXT'],
  }),
  define('initial.broker.registration.timeout.ms', 'INT', 60_000, 'How long a start waits for the registration.'),
  define('broker.heartbeat.interval.ms', 'INT', 2000, 'How often a broker tells the controller that it lives.', {
    min: 1,
  }),
  define('broker.session.timeout.ms', 'INT', 9000, 'Silence after which the controller fences a broker.', { min: 1 }),
  define('controller.quorum.election.timeout.ms', 'INT', 1000, 'How long a candidate waits for votes.'),
  define('controller.quorum.fetch.timeout.ms', 'INT', 2000, 'Silence after which a leader is given up.'),
  define('controller.quorum.election.backoff.max.ms', 'INT', 1000, 'Longest pause before another election.'),
  define('controller.quorum.append.linger.ms', 'INT', 25, 'How long appends are gathered.'),
  define('controller.quorum.request.timeout.ms', 'INT', 2000, 'Time limit of a request in the quorum.'),
  define('controller.quorum.retry.backoff.ms', 'INT', 20, 'Pause before such a request is repeated.'),
  define('controller.socket.timeout.ms', 'INT', 30_000, 'How long a broker waits for an answer of the controller.'),
]
