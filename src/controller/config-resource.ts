/** What a configuration belongs to. */
export type ConfigResourceType = 'UNKNOWN' | 'TOPIC' | 'BROKER' | 'BROKER_LOGGER' | 'CLIENT_METRICS' | 'GROUP'

/** A topic, a broker (the empty name: all brokers), … whose configuration can be set. */
export interface ConfigResource {
  readonly type: ConfigResourceType
  readonly name: string
}

const ID_BY_TYPE: ReadonlyMap<ConfigResourceType, number> = new Map([
  ['UNKNOWN', 0],
  ['TOPIC', 2],
  ['BROKER', 4],
  ['BROKER_LOGGER', 8],
  ['CLIENT_METRICS', 16],
  ['GROUP', 32],
])
const TYPE_BY_ID: ReadonlyMap<number, ConfigResourceType> = new Map([...ID_BY_TYPE].map(([type, id]) => [id, type]))

/** Kafka's number of a resource type. */
export function configResourceTypeId(type: ConfigResourceType): number {
  return ID_BY_TYPE.get(type) ?? 0
}

/** `UNKNOWN` for a number that Kafka does not know. */
export function configResourceType(id: number): ConfigResourceType {
  return TYPE_BY_ID.get(id) ?? 'UNKNOWN'
}

/** One string for each resource, for use as a key. */
export function resourceKey(resource: ConfigResource): string {
  return `${resource.type}:${resource.name}`
}
