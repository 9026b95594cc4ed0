import { define } from '../../config/config-def.ts'
import { AbstractConfig, type ConfigValues, commonClientDefs, UNUSED_COMMON_KEYS } from '../abstract-config.ts'

/** An unused connection of an admin client is closed earlier than those of other clients. */
const CONNECTIONS_MAX_IDLE_MS = 300_000
const RECEIVE_BUFFER_BYTES = 65_536
const MAX_INT = 2_147_483_647

const DEFS = [
  ...commonClientDefs({ receiveBufferBytes: RECEIVE_BUFFER_BYTES }).filter(
    ({ key }) => key !== 'connections.max.idle.ms',
  ),
  define('connections.max.idle.ms', 'LONG', CONNECTIONS_MAX_IDLE_MS, 'After what time unused connections are closed.'),
  define('default.api.timeout.ms', 'INT', 60_000, 'How long a call may take that is given no timeout.', { min: 0 }),
  define('retries', 'INT', MAX_INT, 'How often a request is repeated at most.', { min: 0 }),
]

/** The configuration of an admin client (Kafka's AdminClientConfig): keys, types, defaults and bounds of Kafka 4.2. */
export class AdminClientConfig extends AbstractConfig {
  /** @throws ConfigError for a value that is not allowed */
  constructor(values: ConfigValues, onWarning: (message: string) => void) {
    super(DEFS, UNUSED_COMMON_KEYS, values, onWarning)
  }
}
