import { DescribeConfigs } from '../../protocol/apis/describe-configs.ts'
import { ConfigOperation, IncrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { exceptionFor } from '../errors.ts'
import type { NodeChoice } from './admin-call.ts'
import type { AdminCallOptions, AdminContext } from './admin-context.ts'
import { AdminResult } from './admin-result.ts'
import { settle, type ValidateOnlyOptions } from './topic-operations.ts'

/** Numbers of the kinds of things that have configurations (Kafka's ConfigResource.Type). */
const RESOURCE_TYPES = { TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8, CLIENT_METRICS: 16, GROUP: 32 } as const

/** Something that has a configuration; the name of a broker is its id, empty for the defaults of all. */
export interface ConfigResource {
  readonly type: keyof typeof RESOURCE_TYPES
  readonly name: string
}

/** Where a value comes from (Kafka's ConfigEntry.ConfigSource), by its number on the wire. */
const SOURCES = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
] as const

export interface ConfigEntry {
  readonly name: string
  /** Null: not set, or not shown because it is sensitive. */
  readonly value: string | null
  readonly source: (typeof SOURCES)[number]
  readonly isSensitive: boolean
  readonly isReadOnly: boolean
}

/** One change of one key. */
export interface AlterConfigOp {
  readonly name: string
  readonly op: keyof typeof ConfigOperation
  /** For SET, APPEND and SUBTRACT. */
  readonly value?: string
}

const idOf = ({ type, name }: ConfigResource): string => `${type} ${name}`

export function describeConfigs(
  context: AdminContext,
  resources: readonly ConfigResource[],
  options: AdminCallOptions,
): AdminResult<ConfigResource, ReadonlyMap<string, ConfigEntry>> {
  const result = new AdminResult<ConfigResource, ReadonlyMap<string, ConfigEntry>>(resources, idOf)
  const deadlineMs = context.deadlineMs(options)
  for (const { node, resources: own } of byNode(result.keys)) {
    const answer = context.runnable.call(
      {
        name: 'describeConfigs',
        node: node ?? 'least-loaded',
        api: DescribeConfigs,
        body: () => ({
          resources: own.map(({ type, name }) => ({
            resourceType: RESOURCE_TYPES[type],
            resourceName: name,
            configurationKeys: null,
          })),
        }),
      },
      deadlineMs,
    )
    const part = new AdminResult<ConfigResource, ReadonlyMap<string, ConfigEntry>>(own, idOf)
    settle(answer, part, ({ body }) => {
      for (const { errorCode, errorMessage, resourceType, resourceName, configs } of body.results) {
        const key = { type: typeOf(resourceType), name: resourceName }
        if (errorCode !== ErrorCode.NONE) part.fail(key, exceptionFor(errorCode, errorMessage))
        else part.complete(key, new Map(configs.map(config => [config.name, entryOf(config)])))
      }
    })
    passOn(part, result)
  }
  return result
}

export function incrementalAlterConfigs(
  context: AdminContext,
  changes: readonly (readonly [ConfigResource, readonly AlterConfigOp[]])[],
  { validateOnly = false, ...options }: ValidateOnlyOptions,
): AdminResult<ConfigResource, void> {
  const result = new AdminResult<ConfigResource, void>(
    changes.map(([resource]) => resource),
    idOf,
  )
  const operations = new Map(changes.map(([resource, ops]) => [idOf(resource), ops]))
  const deadlineMs = context.deadlineMs(options)
  for (const { node, resources } of byNode(result.keys)) {
    const answer = context.runnable.call(
      {
        name: 'incrementalAlterConfigs',
        node: node ?? 'least-loaded',
        api: IncrementalAlterConfigs,
        body: () => ({
          resources: resources.map(resource => ({
            resourceType: RESOURCE_TYPES[resource.type],
            resourceName: resource.name,
            configs: (operations.get(idOf(resource)) ?? []).map(({ name, op, value }) => ({
              name,
              configOperation: ConfigOperation[op],
              value: value ?? null,
            })),
          })),
          validateOnly,
        }),
      },
      deadlineMs,
    )
    const part = new AdminResult<ConfigResource, void>(resources, idOf)
    settle(answer, part, ({ body }) => {
      for (const { errorCode, errorMessage, resourceType, resourceName } of body.responses) {
        const key = { type: typeOf(resourceType), name: resourceName }
        if (errorCode !== ErrorCode.NONE) part.fail(key, exceptionFor(errorCode, errorMessage))
        else part.complete(key, undefined)
      }
    })
    passOn(part, result)
  }
  return result
}

interface NodeResources {
  /** Undefined: any broker. */
  readonly node: NodeChoice | undefined
  readonly resources: ConfigResource[]
}

/** Only a broker itself knows what is in its files, and takes changes that are its own. */
function byNode(resources: readonly ConfigResource[]): NodeResources[] {
  const anywhere: NodeResources = { node: undefined, resources: [] }
  const own = new Map<string, NodeResources>()
  for (const resource of resources) {
    const isBroker = resource.type === 'BROKER' || resource.type === 'BROKER_LOGGER'
    if (!isBroker || resource.name === '') {
      anywhere.resources.push(resource)
    } else {
      const entry = own.get(resource.name)
      if (entry === undefined) own.set(resource.name, { node: { id: Number(resource.name) }, resources: [resource] })
      else entry.resources.push(resource)
    }
  }
  return [...(anywhere.resources.length > 0 ? [anywhere] : []), ...own.values()]
}

function passOn<K, V>(part: AdminResult<K, V>, whole: AdminResult<K, V>): void {
  for (const key of part.keys) {
    part.get(key).then(
      value => whole.complete(key, value),
      (error: Error) => whole.fail(key, error),
    )
  }
}

function typeOf(number: number): ConfigResource['type'] {
  const found = Object.entries(RESOURCE_TYPES).find(([, value]) => value === number)
  if (found === undefined) throw new RangeError(`a configuration of something of type ${number}`)
  return found[0] as ConfigResource['type']
}

interface WireConfig {
  readonly name: string
  readonly value: string | null
  readonly configSource: number
  readonly isSensitive: boolean
  readonly readOnly: boolean
}

function entryOf({ name, value, configSource, isSensitive, readOnly }: WireConfig): ConfigEntry {
  return { name, value, source: SOURCES[configSource] ?? 'UNKNOWN', isSensitive, isReadOnly: readOnly }
}
