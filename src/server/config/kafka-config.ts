import { ConfigError } from '../../config/config-error.ts'
import { nearestKey } from '../../config/nearest-key.ts'
import { splitList } from '../../config/values.ts'
import { topicDefaultsFromBroker } from '../../log/topic-config.ts'
import { type ClusterRoles, resolveClusterRoles } from './cluster-roles.ts'
import { checkCombinations } from './config-checks.ts'
import type { BrokerConfigDef } from './config-def.ts'
import { BROKER_CONFIG_DEFS, brokerConfigDef } from './definitions/index.ts'
import { isKnownButUnused, knownKeys } from './definitions/known-keys.ts'
import type { EndPoint } from './end-point.ts'
import { type Property, parseProperties } from './properties.ts'
import type { QuorumVoter } from './quorum-voters.ts'

/** A key that Kafka does not have. */
export interface ConfigWarning {
  readonly key: string
  /** Line in the file, from 1; 0 when the key came from elsewhere. */
  readonly line: number
  /** The key that was most likely meant. */
  readonly nearest: string | undefined
  /** The whole, for people. */
  readonly message: string
}

/**
 * The configuration of a node, as `server.properties` gives it (Kafka's KafkaConfig). Every value was checked when it
 * was made; keys and defaults are those of Kafka 4.2.
 */
export class KafkaConfig {
  /** Keys that Kafka does not have, in the order of the file. */
  readonly warnings: readonly ConfigWarning[]
  /** Keys of Kafka that were set and that mean nothing here. */
  readonly unusedKeys: readonly string[]
  readonly #explicit: ReadonlyMap<string, Property>
  readonly #roles: ClusterRoles

  private constructor(properties: ReadonlyMap<string, Property>) {
    this.#explicit = properties
    const warnings: ConfigWarning[] = []
    const unused: string[] = []
    for (const { key, value, line } of properties.values()) {
      const def = brokerConfigDef(key)
      if (def !== undefined) def.validate(value)
      else if (isKnownButUnused(key)) unused.push(key)
      else warnings.push(warningFor(key, line))
    }
    this.warnings = warnings
    this.unusedKeys = unused
    this.#roles = resolveClusterRoles(this)
    checkCombinations(this)
  }

  /**
   * Reads the text of a `server.properties` file. `overrides` replace what stands there. Throws PropertiesSyntaxError,
   * and ConfigError for a value that is not allowed or that does not go with the others.
   */
  static fromText(text: string, overrides: ReadonlyMap<string, string> = new Map()): KafkaConfig {
    const properties = parseProperties(text)
    for (const [key, value] of overrides) properties.set(key, { key, value, line: 0 })
    return new KafkaConfig(properties)
  }

  /** Throws ConfigError for a value that is not allowed or that does not go with the others. */
  static fromProperties(values: ReadonlyMap<string, string>): KafkaConfig {
    return new KafkaConfig(new Map([...values].map(([key, value]) => [key, { key, value, line: 0 }])))
  }

  /** The value that was set, as it was set; undefined when the default holds. */
  explicit(key: string): string | undefined {
    return this.#explicit.get(key)?.value
  }

  /** The value in force, as text; null when there is none. Throws RangeError for a key that means nothing here. */
  get(key: string): string | null {
    return this.explicit(key) ?? definition(key).defaultValue
  }

  getBoolean(key: string): boolean {
    return this.#required(key).trim().toLowerCase() === 'true'
  }

  /** For keys of type INT, LONG and DOUBLE. Long.MAX_VALUE becomes 2^63, which no time or size reaches. */
  getNumber(key: string): number {
    return Number(this.#required(key))
  }

  /** The items of a list; none when there is no value. */
  getList(key: string): string[] {
    return splitList(this.get(key) ?? '')
  }

  get nodeId(): number {
    return this.#roles.nodeId
  }

  get isBroker(): boolean {
    return this.#roles.isBroker
  }

  get isController(): boolean {
    return this.#roles.isController
  }

  /** Listeners for clients and other brokers. */
  get listeners(): readonly EndPoint[] {
    return this.#roles.brokerListeners
  }

  /** Listeners for nodes that talk to this controller. */
  get controllerListeners(): readonly EndPoint[] {
    return this.#roles.controllerListeners
  }

  /**
   * What clients are told, one for each of `listeners`. An empty host or `0.0.0.0` has become `localhost`, as Kafka takes
   * the host's own name. Port 0 stands for the port that was bound.
   */
  get advertisedListeners(): readonly EndPoint[] {
    return this.#roles.advertisedListeners
  }

  get controllerListenerNames(): readonly string[] {
    return this.#roles.controllerListenerNames
  }

  get interBrokerListenerName(): string {
    return this.#roles.interBrokerListenerName
  }

  get quorumVoters(): readonly QuorumVoter[] {
    return this.#roles.quorumVoters
  }

  /** At least one. */
  get logDirs(): readonly string[] {
    const dirs = this.getList('log.dirs')
    return dirs.length > 0 ? dirs : this.getList('log.dir')
  }

  /** Where the metadata log is. */
  get metadataLogDir(): string {
    return this.get('metadata.log.dir') ?? this.logDirs[0] ?? ''
  }

  /** -1: for ever. `log.retention.ms` over `.minutes` over `.hours`. */
  get logRetentionMs(): number {
    return Number(this.topicDefaults().get('retention.ms') ?? this.getNumber('log.retention.hours') * 3_600_000)
  }

  /** Limit of connections by address. */
  get maxConnectionsPerIpOverrides(): ReadonlyMap<string, number> {
    return parseIpOverrides(this.get('max.connections.per.ip.overrides') ?? '')
  }

  /** What this configuration makes the defaults of topics, by topic key: only what was set. */
  topicDefaults(): Map<string, string> {
    return topicDefaultsFromBroker(key => this.explicit(key))
  }

  #required(key: string): string {
    const value = this.get(key)
    if (value === null) throw new RangeError(`configuration ${key} has no value and no default`)
    return value
  }
}

function definition(key: string): BrokerConfigDef {
  const def = brokerConfigDef(key)
  if (def === undefined) throw new RangeError(`there is no configuration ${key}`)
  return def
}

function warningFor(key: string, line: number): ConfigWarning {
  const nearest = nearestKey(key, [...BROKER_CONFIG_DEFS.map(def => def.key), ...knownKeys()])
  const where = line > 0 ? ` (line ${line})` : ''
  const hint = nearest === undefined ? '' : `, did you mean ${nearest}?`
  return { key, line, nearest, message: `unknown configuration ${key}${where}${hint}` }
}

/** The limits in a value such as `host-1:5,10.0.0.2:7`. Throws ConfigError. */
export function parseIpOverrides(value: string): Map<string, number> {
  const overrides = new Map<string, number>()
  for (const item of splitList(value)) {
    const match = /^(.+):(\d{1,10})$/.exec(item)
    const [, host, count] = match ?? []
    if (host === undefined || count === undefined) {
      throw new ConfigError('max.connections.per.ip.overrides', value, `expected a list of host:count, found "${item}"`)
    }
    overrides.set(host.trim(), Number(count))
  }
  return overrides
}
