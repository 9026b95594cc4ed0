import type { MetadataImage } from '../../src/controller/image/metadata-image.ts'

/** An image's content in a text that two images share exactly when they say the same. */
export function imageText({ features, cluster, topics, configs, producerIds }: MetadataImage): string {
  return JSON.stringify(
    {
      features: features.finalizedVersions,
      brokers: cluster.brokers,
      topics: topics.topicsByName,
      configs: configs.resources,
      producerIds: producerIds.nextProducerId,
    },
    (_, value: unknown) => (value instanceof Map ? sorted(value) : value),
  )
}

function sorted(map: ReadonlyMap<unknown, unknown>): [string, unknown][] {
  const entries = [...map].map(([key, value]): [string, unknown] => [String(key), value])
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}
