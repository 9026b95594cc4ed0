import type { ConfigResource, ConfigResourceType } from './config-resource.ts'

/** The key of topics and brokers that tells how many replicas must be in sync. */
export const MIN_IN_SYNC_REPLICAS = 'min.insync.replicas'

/** Where a value comes from, with Kafka's numbers: the lower, the stronger. */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
} as const
export type ConfigSource = (typeof ConfigSource)[keyof typeof ConfigSource]

/** A configuration key with the value in force. */
export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
  /** Whether the value must not be shown. */
  readonly isSensitive: boolean
  /** Whether it can be changed only by a restart. */
  readonly isReadOnly: boolean
}

/** What was set while the cluster ran, by configuration key. */
export interface DynamicConfigs {
  /** On all brokers. */
  readonly cluster: ReadonlyMap<string, string>
  /** On one node. */
  readonly node: ReadonlyMap<string, string>
  /** On the topic. */
  readonly topic: ReadonlyMap<string, string>
}

/** What the controller has to know of configuration keys: Kafka's KafkaConfigSchema and its validator. */
export interface KafkaConfigSchema {
  /** Whether the key holds a list, to which one can append. */
  isSplittable(type: ConfigResourceType, key: string): boolean
  /** What an append to a key that was never set begins with; null when the key has no default or is not known. */
  defaultValue(type: ConfigResourceType, key: string): string | null
  /**
   * Checks all that would be set on a resource. Throws ApiError: INVALID_CONFIG for a key that is not known or a value
   * that is not allowed, INVALID_REQUEST for a resource that cannot have configuration.
   */
  validate(resource: ConfigResource, configs: ReadonlyMap<string, string>): void
  /** The value in force for a topic, by Kafka's order: topic, node, cluster, `server.properties`, default. */
  effectiveTopicConfig(key: string, dynamic: DynamicConfigs): ConfigEntry
  /** All of a topic's keys, sorted by name. */
  effectiveTopicConfigs(dynamic: DynamicConfigs): ConfigEntry[]
}
