import type { ConfigType } from '../config/config-def.ts'
import { type ConfigResource, type ConfigResourceType, configResourceType } from '../controller/config-resource.ts'
import type { MetadataImage } from '../controller/image/metadata-image.ts'
import type { DynamicConfigs } from '../controller/kafka-config-schema.ts'
import { validateTopicName } from '../controller/topic-name.ts'
import { TOPIC_CONFIG_DEFS, type TopicConfigDef } from '../log/topic-config.ts'
import type { DescribeConfigsRequest, DescribeConfigsResponse } from '../protocol/apis/describe-configs.ts'
import { ApiError, ErrorCode } from '../protocol/errors.ts'
import type { BrokerConfigSchema, ConfigSynonym } from './config/broker-config-schema.ts'
import type { BrokerConfigDef } from './config/config-def.ts'
import { BROKER_CONFIG_DEFS } from './config/definitions/index.ts'

type Resource = DescribeConfigsRequest['resources'][number]
type Result = DescribeConfigsResponse['results'][number]
type Entry = Result['configs'][number]

/** Numbers of configuration types in DescribeConfigs responses. */
const TYPE_IDS: Readonly<Record<ConfigType, number>> = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
  PASSWORD: 9,
}

interface DescribeOptions {
  readonly includeSynonyms: boolean
  readonly includeDocumentation: boolean
}

/** Describes the configuration of topics and of this broker (Kafka's ConfigHelper). */
export class ConfigHelper {
  readonly #brokerId: number
  readonly #schema: BrokerConfigSchema

  constructor(brokerId: number, schema: BrokerConfigSchema) {
    this.#brokerId = brokerId
    this.#schema = schema
  }

  /** One result a resource, errors included. */
  describe(request: DescribeConfigsRequest, image: MetadataImage): Result[] {
    return request.resources.map(resource => {
      const { resourceType, resourceName } = resource
      try {
        const configs = this.#describeResource(resource, request, image)
        return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType, resourceName, configs }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        return { errorCode: error.code, errorMessage: error.message, resourceType, resourceName, configs: [] }
      }
    })
  }

  #describeResource(resource: Resource, options: DescribeOptions, image: MetadataImage): Entry[] {
    const type: ConfigResourceType = configResourceType(resource.resourceType)
    const keys = new Set(resource.configurationKeys)
    // No keys at all: every key.
    const wanted = (key: string) => keys.size === 0 || keys.has(key)
    if (type === 'TOPIC') return this.#describeTopic(resource.resourceName, wanted, options, image)
    if (type === 'BROKER') return this.#describeBroker(resource.resourceName, wanted, options, image)
    throw new ApiError(ErrorCode.INVALID_REQUEST, `Unsupported resource type: ${type}`)
  }

  #describeTopic(
    name: string,
    wanted: (key: string) => boolean,
    options: DescribeOptions,
    image: MetadataImage,
  ): Entry[] {
    validateTopicName(name)
    if (image.topics.getTopic(name) === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`)
    }
    const dynamic = this.#dynamicConfigs(image, { type: 'TOPIC', name })
    const effective = new Map(this.#schema.effectiveTopicConfigs(dynamic).map(entry => [entry.name, entry]))
    return TOPIC_CONFIG_DEFS.flatMap(def => {
      const entry = effective.get(def.key)
      if (entry === undefined || !wanted(def.key)) return []
      const synonyms = options.includeSynonyms ? this.#schema.topicSynonyms(def, dynamic) : []
      return [
        {
          name: def.key,
          value: entry.value,
          readOnly: entry.isReadOnly,
          configSource: entry.source,
          isSensitive: entry.isSensitive,
          ...described(def, synonyms, null),
        },
      ]
    })
  }

  #describeBroker(
    name: string,
    wanted: (key: string) => boolean,
    options: DescribeOptions,
    image: MetadataImage,
  ): Entry[] {
    // Without a name: what is set for all brokers alike.
    const clusterWide = name === ''
    if (!clusterWide && name !== String(this.#brokerId)) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Unexpected broker id, expected ${this.#brokerId} or empty string, but received ${name}`,
      )
    }
    const dynamic = this.#dynamicConfigs(image, { type: 'BROKER', name })
    const defs = BROKER_CONFIG_DEFS.filter(({ key }) => wanted(key) && (!clusterWide || dynamic.cluster.has(key)))
    return defs.map(def => {
      const all = this.#schema.brokerSynonyms(def.key, clusterWide ? { ...dynamic, node: new Map() } : dynamic)
      const shown = def.type === 'PASSWORD' ? all.map(synonym => ({ ...synonym, value: null })) : all
      const [strongest] = shown
      const synonyms = options.includeSynonyms ? shown : []
      return {
        name: def.key,
        value: strongest?.value ?? null,
        readOnly: def.updateMode === 'read-only',
        configSource: strongest?.source ?? -1,
        isSensitive: def.type === 'PASSWORD',
        ...described(def, synonyms, options.includeDocumentation ? def.documentation : null),
      }
    })
  }

  #dynamicConfigs(image: MetadataImage, resource: ConfigResource): DynamicConfigs {
    return {
      cluster: image.configs.brokerConfigs(null),
      node: image.configs.brokerConfigs(this.#brokerId),
      topic: resource.type === 'TOPIC' ? image.configs.topicConfigs(resource.name) : new Map(),
    }
  }
}

function described(
  def: BrokerConfigDef | TopicConfigDef,
  synonyms: readonly ConfigSynonym[],
  documentation: string | null,
): Pick<Entry, 'synonyms' | 'configType' | 'documentation'> {
  return { synonyms: [...synonyms], configType: TYPE_IDS[def.type], documentation }
}
