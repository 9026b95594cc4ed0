import { type ConfigResource, configResourceType, resourceKey } from '../config-resource.ts'
import type { ConfigRecord } from '../metadata-records.ts'
import { ConfigurationsImage } from './configurations-image.ts'
import { sortedMap } from './sorted-map.ts'

/** What has changed of one resource's configuration. */
export interface ConfigurationDelta {
  readonly resource: ConfigResource
  /** New value by key; null for a key that was removed. */
  readonly changes: ReadonlyMap<string, string | null>
}

/** What has changed of the configuration since an image. */
export class ConfigurationsDelta {
  readonly image: ConfigurationsImage
  readonly #changes = new Map<string, { resource: ConfigResource; changes: Map<string, string | null> }>()

  constructor(image: ConfigurationsImage) {
    this.image = image
  }

  /** By `resourceKey`. */
  get changedResources(): ReadonlyMap<string, ConfigurationDelta> {
    return this.#changes
  }

  replayConfig(record: ConfigRecord): void {
    const resource: ConfigResource = { type: configResourceType(record.resourceType), name: record.resourceName }
    this.#delta(resource).set(record.name, record.value)
  }

  /** Drops what was set on a topic, when the topic itself goes. */
  deleteTopic(name: string): void {
    const resource: ConfigResource = { type: 'TOPIC', name }
    const base = this.image.configs(resource)
    if (base.size === 0 && !this.#changes.has(resourceKey(resource))) return
    const changes = this.#delta(resource)
    for (const key of changes.keys()) changes.set(key, null)
    for (const key of base.keys()) changes.set(key, null)
  }

  apply(): ConfigurationsImage {
    const resources = new Map(this.image.resources)
    for (const [key, { changes }] of this.#changes) {
      const configs = new Map(resources.get(key))
      for (const [name, value] of changes) {
        if (value === null) configs.delete(name)
        else configs.set(name, value)
      }
      if (configs.size === 0) resources.delete(key)
      else resources.set(key, sortedMap(configs))
    }
    return new ConfigurationsImage(sortedMap(resources))
  }

  #delta(resource: ConfigResource): Map<string, string | null> {
    const key = resourceKey(resource)
    let delta = this.#changes.get(key)
    if (delta === undefined) {
      delta = { resource, changes: new Map() }
      this.#changes.set(key, delta)
    }
    return delta.changes
  }
}
