import { type ConfigDef, define } from '../config/config-def.ts'
import { ConfigError } from '../config/config-error.ts'
import { nearestKey } from '../config/nearest-key.ts'
import { splitList } from '../config/values.ts'

/** A value as applications give it; numbers and booleans also as text, lists also as one text with commas. */
export type ConfigValue = string | number | boolean | readonly string[]

/** Values by Kafka's keys: `{ 'bootstrap.servers': 'localhost:9092', acks: 'all' }`. Undefined: not set. */
export type ConfigValues = Readonly<Record<string, ConfigValue | undefined>>

/**
 * The configuration of a client (Kafka's AbstractConfig): every value is checked when it is made; keys, types, defaults and
 * bounds are those of Kafka 4.2. Keys that Kafka does not have are reported and otherwise ignored, as Kafka does.
 */
export class AbstractConfig {
  readonly #defs: ReadonlyMap<string, ConfigDef>
  readonly #explicit = new Map<string, string>()

  /**
   * @param unusedKeys keys of Kafka's client that mean nothing here
   * @throws ConfigError for a value that is not allowed
   */
  constructor(
    defs: readonly ConfigDef[],
    unusedKeys: readonly string[],
    values: ConfigValues,
    onWarning: (message: string) => void,
  ) {
    this.#defs = new Map(defs.map(def => [def.key, def]))
    const known = [...this.#defs.keys(), ...unusedKeys]
    for (const [key, value] of Object.entries(values)) {
      if (value === undefined) continue
      const def = this.#defs.get(key)
      if (def === undefined) {
        onWarning(isUnused(key, unusedKeys) ? `configuration ${key} means nothing here` : unknownKey(key, known))
        continue
      }
      const text = typeof value === 'object' ? value.join(',') : String(value)
      def.validate(text)
      this.#explicit.set(key, text)
    }
  }

  /** Whether a value was given. */
  isExplicit(key: string): boolean {
    return this.#explicit.has(key)
  }

  /** The value in force; null when there is none. Throws RangeError for a key that this client does not have. */
  get(key: string): string | null {
    const def = this.#defs.get(key)
    if (def === undefined) throw new RangeError(`there is no configuration ${key}`)
    return this.#explicit.get(key) ?? def.defaultValue
  }

  /** Throws ConfigError when there is no value. */
  getString(key: string): string {
    const value = this.get(key)
    if (value === null) throw new ConfigError(key, '', 'must be set, it has no default')
    return value
  }

  getBoolean(key: string): boolean {
    return this.getString(key).trim().toLowerCase() === 'true'
  }

  /** For keys of type INT, LONG and DOUBLE. Long.MAX_VALUE becomes 2^63, which no time or size reaches. */
  getNumber(key: string): number {
    return Number(this.getString(key))
  }

  /** The items of a list; none when there is no value. */
  getList(key: string): string[] {
    return splitList(this.get(key) ?? '')
  }

  /** Puts a value that follows from others in the place of a default. */
  protected refine(key: string, value: string | number | boolean): void {
    this.#explicit.set(key, String(value))
  }
}

/** What differs between the clients in the keys that they share. */
export interface CommonDefaults {
  readonly receiveBufferBytes: number
}

/** The keys that all clients share (Kafka's CommonClientConfigs). */
export function commonClientDefs({ receiveBufferBytes }: CommonDefaults): readonly ConfigDef[] {
  return [
    define('bootstrap.servers', 'LIST', null, 'host:port of brokers to begin with.'),
    define(
      'client.dns.lookup',
      'STRING',
      'use_all_dns_ips',
      'Which addresses of a name are tried; here: as the host does.',
      {
        oneOf: ['use_all_dns_ips', 'resolve_canonical_bootstrap_servers_only'],
      },
    ),
    define('client.id', 'STRING', '', 'What brokers see and log of this client.'),
    define('send.buffer.bytes', 'INT', 131_072, 'Send buffer of sockets, -1: the host decides.', { min: -1 }),
    define('receive.buffer.bytes', 'INT', receiveBufferBytes, 'Receive buffer of sockets, -1: the host decides.', {
      min: -1,
    }),
    define('reconnect.backoff.ms', 'LONG', 50, 'Pause before a broker is connected to again.', { min: 0 }),
    define('reconnect.backoff.max.ms', 'LONG', 1000, 'To what that grows while connecting fails.', { min: 0 }),
    define('retry.backoff.ms', 'LONG', 100, 'Pause before a failed request is repeated.', { min: 0 }),
    define('retry.backoff.max.ms', 'LONG', 1000, 'To what that grows while it fails.', { min: 0 }),
    define('request.timeout.ms', 'INT', 30_000, 'How long an answer is waited for.', { min: 0 }),
    define('metadata.max.age.ms', 'LONG', 300_000, 'After what time metadata is asked for anew.', { min: 0 }),
    define('metadata.recovery.strategy', 'STRING', 'rebootstrap', 'What to do when no known broker can be reached.', {
      oneOf: ['none', 'rebootstrap'],
    }),
    define(
      'metadata.recovery.rebootstrap.trigger.ms',
      'LONG',
      300_000,
      'How long metadata may be out of reach before the client begins anew with bootstrap.servers.',
      { min: 0 },
    ),
    define('socket.connection.setup.timeout.ms', 'LONG', 10_000, 'How long making a connection may take.'),
    define('socket.connection.setup.timeout.max.ms', 'LONG', 30_000, 'To what that grows while connecting fails.'),
    define('connections.max.idle.ms', 'LONG', 540_000, 'After what time unused connections are closed.'),
    define('security.protocol', 'STRING', 'PLAINTEXT', 'How brokers are talked to; there is only PLAINTEXT here.', {
      oneOf: ['PLAINTEXT'],
    }),
  ]
}

/** Keys that Kafka's clients share and that mean nothing here: TLS, SASL, JMX, telemetry. */
export const UNUSED_COMMON_KEYS: readonly string[] = [
  'auto.include.jmx.reporter',
  'config.providers',
  'enable.metrics.push',
  'metric.reporters',
  'metrics.num.samples',
  'metrics.recording.level',
  'metrics.sample.window.ms',
  'security.providers',
]

/** `reconnect.backoff.ms` that was set alone holds as maximum as well (CommonClientConfigs). */
export function reconnectBackoffMaxMs(config: AbstractConfig): number {
  const follows = config.isExplicit('reconnect.backoff.ms') && !config.isExplicit('reconnect.backoff.max.ms')
  return config.getNumber(follows ? 'reconnect.backoff.ms' : 'reconnect.backoff.max.ms')
}

function unknownKey(key: string, known: readonly string[]): string {
  const nearest = nearestKey(key, known)
  return `unknown configuration ${key}${nearest === undefined ? '' : `, did you mean ${nearest}?`}`
}

/** Keys of TLS and SASL begin with these. */
const UNUSED_PREFIXES = ['sasl.', 'ssl.']

function isUnused(key: string, unusedKeys: readonly string[]): boolean {
  return unusedKeys.includes(key) || UNUSED_PREFIXES.some(prefix => key.startsWith(prefix))
}
