import { ConfigOperation } from '../protocol/apis/incremental-alter-configs.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import { type ConfigResource, configResourceType, configResourceTypeId, resourceKey } from './config-resource.ts'
import { type ControllerResult, MAX_RECORDS_PER_USER_OP } from './controller-result.ts'
import type { ControllerState } from './controller-state.ts'
import type { FeatureControlManager } from './feature-control-manager.ts'
import {
  type ConfigEntry,
  type DynamicConfigs,
  type KafkaConfigSchema,
  MIN_IN_SYNC_REPLICAS,
} from './kafka-config-schema.ts'
import type { MetadataRecord } from './metadata-records.ts'

/** What a string of the protocol can hold; appending could go beyond it. */
const MAX_VALUE_LENGTH = 32_767

const NOTHING: ReadonlyMap<string, string> = new Map()

/** What is to be done to one key. */
export interface ConfigChange {
  readonly key: string
  /** One of `ConfigOperation`. */
  readonly operation: number
  readonly value: string | null
}

export interface ConfigResourceChanges {
  readonly resource: ConfigResource
  readonly changes: readonly ConfigChange[]
}

/** Error by `resourceKey`; undefined for a resource whose change is fine. */
export type ConfigResults = ReadonlyMap<string, ApiError | undefined>

/** Dynamic configuration: what may be set, and the records that set it. Kafka's class of the same name. */
export class ConfigurationControlManager {
  readonly #state: ControllerState
  readonly #schema: KafkaConfigSchema
  readonly #features: FeatureControlManager
  readonly #nodeId: number

  constructor(state: ControllerState, schema: KafkaConfigSchema, features: FeatureControlManager, nodeId: number) {
    this.#state = state
    this.#schema = schema
    this.#features = features
    this.#nodeId = nodeId
  }

  /** Changes single keys. A resource with one bad change is left as it is; the others are changed. */
  incrementalAlterConfigs(resources: readonly ConfigResourceChanges[]): ControllerResult<ConfigResults> {
    return this.#alterEach(resources, ({ resource, changes }) => {
      const records = this.#incrementalRecords(resource, changes)
      this.#validate(resource, records, true)
      return records
    })
  }

  /** Sets all keys of each resource: those that are not named go back to their defaults. */
  legacyAlterConfigs(
    resources: readonly { readonly resource: ConfigResource; readonly configs: ReadonlyMap<string, string | null> }[],
  ): ControllerResult<ConfigResults> {
    return this.#alterEach(resources, ({ resource, configs }) => {
      const current = this.#state.current.configs.configs(resource)
      const records: MetadataRecord[] = []
      for (const [key, value] of configs) this.#addRecord(records, resource, key, value, current)
      for (const key of current.keys()) if (!configs.has(key)) records.push(configRecord(resource, key, null))
      this.#validate(resource, records, true)
      return records
    })
  }

  /**
   * What eligible leader replicas need before they are turned on: one `min.insync.replicas` on which all brokers agree,
   * and none of a single broker (KIP-966).
   */
  elrSafetyRecords(): MetadataRecord[] {
    const { configs, cluster } = this.#state.current
    const records: MetadataRecord[] = []
    if (!configs.brokerConfigs(null).has(MIN_IN_SYNC_REPLICAS)) {
      const value = this.#schema.defaultValue('TOPIC', MIN_IN_SYNC_REPLICAS)
      records.push(configRecord({ type: 'BROKER', name: '' }, MIN_IN_SYNC_REPLICAS, value))
    }
    for (const id of cluster.brokers.keys()) {
      if (!configs.brokerConfigs(id).has(MIN_IN_SYNC_REPLICAS)) continue
      records.push(configRecord({ type: 'BROKER', name: String(id) }, MIN_IN_SYNC_REPLICAS, null))
    }
    return records
  }

  /** The records that set a new topic's configuration. Throws ApiError. */
  newTopicRecords(topic: string, configs: ReadonlyMap<string, string>): MetadataRecord[] {
    const resource: ConfigResource = { type: 'TOPIC', name: topic }
    const records = [...configs].map(([key, value]) => configRecord(resource, key, value))
    this.#validate(resource, records, false)
    return records
  }

  /** The value in force for a topic. */
  topicConfig(topic: string, key: string): string | null {
    return this.#schema.effectiveTopicConfig(key, this.#dynamic(this.#state.current.configs.topicConfigs(topic))).value
  }

  uncleanLeaderElectionEnabledForTopic(topic: string): boolean {
    return this.topicConfig(topic, 'unclean.leader.election.enable') === 'true'
  }

  /** All that would be in force for a topic with this configuration of its own. */
  effectiveTopicConfigs(topicConfigs: ReadonlyMap<string, string>): ConfigEntry[] {
    return this.#schema.effectiveTopicConfigs(this.#dynamic(topicConfigs))
  }

  #dynamic(topic: ReadonlyMap<string, string>): DynamicConfigs {
    const { configs } = this.#state.current
    return { cluster: configs.brokerConfigs(null), node: configs.brokerConfigs(this.#nodeId), topic }
  }

  #alterEach<C extends { readonly resource: ConfigResource }>(
    resources: readonly C[],
    alter: (change: C) => MetadataRecord[],
  ): ControllerResult<ConfigResults> {
    const records: MetadataRecord[] = []
    const response = new Map<string, ApiError | undefined>()
    for (const change of resources) {
      let error: ApiError | undefined
      try {
        records.push(...alter(change))
      } catch (thrown) {
        if (!(thrown instanceof ApiError)) throw thrown
        error = thrown
      }
      response.set(resourceKey(change.resource), error)
      if (records.length > MAX_RECORDS_PER_USER_OP) throw tooManyRecords()
    }
    records.push(...this.#clearElrRecords(records))
    return { records, response }
  }

  /** Who was eligible by the old `min.insync.replicas` may not have what was acknowledged by the new one (KIP-966). */
  #clearElrRecords(records: readonly MetadataRecord[]): MetadataRecord[] {
    if (!this.#features.eligibleLeaderReplicasEnabled) return []
    return records.flatMap(({ type, data }): MetadataRecord[] => {
      if (type !== 'ConfigRecord' || data.name !== MIN_IN_SYNC_REPLICAS) return []
      const ofTopic = configResourceType(data.resourceType) === 'TOPIC'
      return [{ type: 'ClearElrRecord', data: { topicName: ofTopic ? data.resourceName : '' } }]
    })
  }

  #incrementalRecords(resource: ConfigResource, changes: readonly ConfigChange[]): MetadataRecord[] {
    const current = this.#state.current.configs.configs(resource)
    const records: MetadataRecord[] = []
    for (const { key, operation, value } of changes) {
      const before = current.get(key) ?? null
      this.#addRecord(records, resource, key, this.#newValue(resource, { key, operation, value }, before), current)
    }
    return records
  }

  #newValue(resource: ConfigResource, change: ConfigChange, before: string | null): string | null {
    const { key, operation, value } = change
    if (operation === ConfigOperation.SET) return value
    if (operation === ConfigOperation.DELETE) return null
    const append = operation === ConfigOperation.APPEND
    if (!this.#schema.isSplittable(resource.type, key)) {
      const verb = append ? 'APPEND' : 'SUBTRACT'
      throw new ApiError(ErrorCode.INVALID_CONFIG, `Can't ${verb} to key ${key} because its type is not LIST.`)
    }
    const parts = (before ?? this.#schema.defaultValue(resource.type, key) ?? '').split(',').filter(part => part !== '')
    for (const part of (value ?? '').split(',')) {
      const at = parts.indexOf(part)
      if (append && at < 0) parts.push(part)
      if (!append && at >= 0) parts.splice(at, 1)
    }
    return parts.join(',')
  }

  #addRecord(
    records: MetadataRecord[],
    resource: ConfigResource,
    key: string,
    value: string | null,
    current: ReadonlyMap<string, string>,
  ): void {
    // Setting a broker's value anew makes the broker load it again, even when it is the same (KAFKA-14136).
    if (value !== (current.get(key) ?? null) || resource.type === 'BROKER') {
      records.push(configRecord(resource, key, value))
    }
  }

  /** Throws ApiError when the resource with these changes would not be valid, or does not exist. */
  #validate(resource: ConfigResource, records: readonly MetadataRecord[], mustExist: boolean): void {
    const all = new Map(mustExist ? this.#state.current.configs.configs(resource) : NOTHING)
    for (const record of records) {
      if (record.type !== 'ConfigRecord') continue
      const { name, value } = record.data
      this.#checkMinInSyncReplicas(resource, name, value)
      if (value === null) all.delete(name)
      else all.set(name, checkedLength(value))
    }
    this.#schema.validate(resource, all)
    if (mustExist) this.#checkExistence(resource)
  }

  /** Eligible leader replicas need all brokers to have the same (KIP-966). */
  #checkMinInSyncReplicas({ type, name }: ConfigResource, key: string, value: string | null): void {
    if (key !== MIN_IN_SYNC_REPLICAS || type !== 'BROKER' || !this.#features.eligibleLeaderReplicasEnabled) return
    const refused = (what: string) =>
      new ApiError(
        ErrorCode.INVALID_CONFIG,
        `${what} ${key} cannot be ${name === '' ? 'removed' : 'altered'} while ELR is enabled.`,
      )
    if (name !== '') throw refused('Broker-level')
    if (value === null) throw refused('Cluster-level')
  }

  #checkExistence(resource: ConfigResource): void {
    const { topics, cluster } = this.#state.current
    if (resource.type === 'TOPIC' && topics.getTopic(resource.name) === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${resource.name}' does not exist.`)
    }
    if (resource.type === 'BROKER' && resource.name !== '' && cluster.broker(Number(resource.name)) === undefined) {
      throw new ApiError(ErrorCode.BROKER_ID_NOT_REGISTERED, `No broker with id ${resource.name} found.`)
    }
  }
}

function checkedLength(value: string): string {
  if (value.length <= MAX_VALUE_LENGTH) return value
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `The configuration value cannot be added because it exceeds the maximum value size of ${MAX_VALUE_LENGTH} bytes.`,
  )
}

/** The record that sets a key of a resource, or removes it when `value` is null. */
export function configRecord(resource: ConfigResource, name: string, value: string | null): MetadataRecord {
  const resourceType = configResourceTypeId(resource.type)
  return { type: 'ConfigRecord', data: { resourceType, resourceName: resource.name, name, value } }
}

/** The error for an operation that would need more than `MAX_RECORDS_PER_USER_OP` records. */
export function tooManyRecords(): ApiError {
  return new ApiError(ErrorCode.POLICY_VIOLATION, 'Unable to perform excessively large batch operation.')
}
