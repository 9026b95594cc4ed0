import { type ConfigResource, resourceKey } from '../config-resource.ts'

const NOTHING: ReadonlyMap<string, string> = new Map()

/** All dynamic configuration at one offset of the metadata log. Never changed in place. */
export class ConfigurationsImage {
  static readonly EMPTY: ConfigurationsImage = new ConfigurationsImage(new Map())

  /** By `resourceKey`, ascending: what was set, by configuration key, ascending. */
  readonly resources: ReadonlyMap<string, ReadonlyMap<string, string>>

  constructor(resources: ReadonlyMap<string, ReadonlyMap<string, string>>) {
    this.resources = resources
  }

  /** What was set on the resource; empty when nothing was. */
  configs(resource: ConfigResource): ReadonlyMap<string, string> {
    return this.resources.get(resourceKey(resource)) ?? NOTHING
  }

  topicConfigs(name: string): ReadonlyMap<string, string> {
    return this.configs({ type: 'TOPIC', name })
  }

  /** `id` null asks for the defaults of all brokers. */
  brokerConfigs(id: number | null): ReadonlyMap<string, string> {
    return this.configs({ type: 'BROKER', name: id === null ? '' : String(id) })
  }
}
