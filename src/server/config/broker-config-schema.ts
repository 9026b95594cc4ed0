import { ConfigError } from '../../config/config-error.ts'
import type { ConfigResource, ConfigResourceType } from '../../controller/config-resource.ts'
import {
  type ConfigEntry,
  ConfigSource,
  type DynamicConfigs,
  type KafkaConfigSchema,
} from '../../controller/kafka-config-schema.ts'
import { validateTopicName } from '../../controller/topic-name.ts'
import { LogConfig } from '../../log/log-config.ts'
import { TOPIC_CONFIG_DEFS, type TopicConfigDef, topicConfigDef } from '../../log/topic-config.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import { brokerConfigDef } from './definitions/index.ts'
import type { KafkaConfig } from './kafka-config.ts'

/** One value that a key has or would have, and whence. */
export interface ConfigSynonym {
  /** The key under which it was found: `log.segment.bytes` for the topic key `segment.bytes`. */
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
}

/** What the controller and DescribeConfigs have to know of keys, from a node's own configuration and Kafka's tables. */
export class BrokerConfigSchema implements KafkaConfigSchema {
  readonly #config: KafkaConfig
  readonly #staticTopicDefaults: ReadonlyMap<string, string>

  constructor(config: KafkaConfig) {
    this.#config = config
    this.#staticTopicDefaults = config.topicDefaults()
  }

  isSplittable(type: ConfigResourceType, key: string): boolean {
    return (type === 'TOPIC' ? topicConfigDef(key) : brokerConfigDef(key))?.type === 'LIST'
  }

  defaultValue(type: ConfigResourceType, key: string): string | null {
    if (type === 'BROKER') return brokerConfigDef(key) === undefined ? null : this.#config.get(key)
    return this.#staticTopicDefaults.get(key) ?? topicConfigDef(key)?.defaultValue ?? null
  }

  validate(resource: ConfigResource, configs: ReadonlyMap<string, string>): void {
    if (resource.type === 'TOPIC') {
      if (resource.name === '')
        throw new ApiError(ErrorCode.INVALID_REQUEST, 'Default topic resources are not allowed.')
      validateTopicName(resource.name)
      asInvalidConfig(() => LogConfig.fromProps(this.#staticTopicDefaults, configs))
    } else if (resource.type === 'BROKER') {
      validateBrokerName(resource.name)
      asInvalidConfig(() => validateBrokerConfigs(resource, configs))
    } else {
      throw new ApiError(ErrorCode.INVALID_REQUEST, `Unknown resource type ${resource.type}`)
    }
  }

  effectiveTopicConfig(key: string, dynamic: DynamicConfigs): ConfigEntry {
    const def = topicConfigDef(key)
    if (def === undefined) throw new RangeError(`there is no topic configuration ${key}`)
    return this.#entry(def, dynamic)
  }

  effectiveTopicConfigs(dynamic: DynamicConfigs): ConfigEntry[] {
    return TOPIC_CONFIG_DEFS.filter(isShown).map(def => this.#entry(def, dynamic))
  }

  /** Every value that the topic key has somewhere, the one in force first. */
  topicSynonyms(def: TopicConfigDef, dynamic: DynamicConfigs): ConfigSynonym[] {
    const found: ConfigSynonym[] = []
    const own = dynamic.topic.get(def.key)
    if (own !== undefined) found.push({ name: def.key, value: own, source: ConfigSource.TOPIC_CONFIG })
    const layers = [
      { source: ConfigSource.DYNAMIC_BROKER_CONFIG, get: (key: string) => dynamic.node.get(key) },
      { source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG, get: (key: string) => dynamic.cluster.get(key) },
      { source: ConfigSource.STATIC_BROKER_CONFIG, get: (key: string) => this.#config.explicit(key) },
    ]
    for (const { source, get } of layers) {
      for (const { key } of def.brokerKeys) {
        const value = get(key)
        if (value !== undefined) found.push({ name: key, value, source })
      }
    }
    const [strongest] = def.brokerKeys
    const name = strongest?.key ?? def.key
    found.push({ name, value: def.defaultValue, source: ConfigSource.DEFAULT_CONFIG })
    return found
  }

  /** Every value that the broker key has somewhere, the one in force first. */
  brokerSynonyms(key: string, dynamic: Omit<DynamicConfigs, 'topic'>): ConfigSynonym[] {
    const found: ConfigSynonym[] = []
    const add = (value: string | undefined, source: ConfigSource) => {
      if (value !== undefined) found.push({ name: key, value, source })
    }
    add(dynamic.node.get(key), ConfigSource.DYNAMIC_BROKER_CONFIG)
    add(dynamic.cluster.get(key), ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG)
    add(this.#config.explicit(key), ConfigSource.STATIC_BROKER_CONFIG)
    const value = brokerConfigDef(key)?.defaultValue ?? null
    found.push({ name: key, value, source: ConfigSource.DEFAULT_CONFIG })
    return found
  }

  #entry(def: TopicConfigDef, dynamic: DynamicConfigs): ConfigEntry {
    const [strongest] = this.topicSynonyms(def, dynamic)
    const source = strongest?.source ?? ConfigSource.DEFAULT_CONFIG
    return { name: def.key, value: this.#topicValue(def, dynamic), source, isSensitive: false, isReadOnly: false }
  }

  /** In the topic key's own unit: `log.retention.hours=1` is `retention.ms` 3600000. */
  #topicValue(def: TopicConfigDef, dynamic: DynamicConfigs): string | null {
    const own = dynamic.topic.get(def.key)
    if (own !== undefined) return own
    for (const layer of [dynamic.node, dynamic.cluster]) {
      for (const { key, factor } of def.brokerKeys) {
        const value = layer.get(key)
        if (value !== undefined) return factor === 1 ? value : String(Number(value) * factor)
      }
    }
    return this.#staticTopicDefaults.get(def.key) ?? def.defaultValue
  }
}

/** Kafka shows its internal keys to nobody. */
function isShown(def: TopicConfigDef): boolean {
  return !def.key.startsWith('internal.')
}

function asInvalidConfig(check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (error instanceof ConfigError) throw new ApiError(ErrorCode.INVALID_CONFIG, error.message, { cause: error })
    throw error
  }
}

function validateBrokerName(name: string): void {
  if (name === '') return
  if (!/^[+-]?\d{1,10}$/.test(name)) {
    throw new ApiError(ErrorCode.INVALID_REQUEST, 'Unable to parse broker name as a base 10 number.')
  }
  if (Number(name) < 0) throw new ApiError(ErrorCode.INVALID_REQUEST, 'Invalid negative broker ID.')
}

/** Keys that Kafka does not know are let through, as Kafka does. Throws ConfigError. */
function validateBrokerConfigs(resource: ConfigResource, configs: ReadonlyMap<string, string>): void {
  for (const [key, value] of configs) {
    const def = brokerConfigDef(key)
    if (def === undefined) continue
    if (def.updateMode === 'read-only') throw new ConfigError(key, value, 'cannot be updated dynamically')
    if (def.updateMode === 'per-broker' && resource.name === '') {
      throw new ConfigError(key, value, 'cannot be updated at default cluster level, a broker id must be specified')
    }
    def.validate(value)
  }
}
