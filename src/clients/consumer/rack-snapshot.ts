import { compareStrings } from '../topic-partition-map.ts'
import type { ConsumerMetadata } from './consumer-metadata.ts'
import type { SubscriptionState } from './subscription-state.ts'

/**
 * The partitions of the group's topics, with their racks when the consumer has one, to find out whether an assignment is
 * still right (ConsumerCoordinator.MetadataSnapshot).
 */
export class RackSnapshot {
  readonly version: number
  /** The same for the same partitions and racks. */
  readonly #fingerprint: string

  constructor(rackId: string | undefined, subscriptions: SubscriptionState, metadata: ConsumerMetadata) {
    this.version = metadata.updateVersion
    const topics: [topic: string, racks: (string | null)[][]][] = []
    for (const topic of [...subscriptions.metadataTopics()].sort(compareStrings)) {
      const racks = metadata
        .fetch()
        .partitionsForTopic(topic)
        .map(({ replicas }) => {
          if (rackId === undefined) return []
          return [...new Set(replicas.map(({ rack }) => rack ?? null))].sort()
        })
      topics.push([topic, racks])
    }
    this.#fingerprint = JSON.stringify(topics)
  }

  matches(other: RackSnapshot): boolean {
    return this.version === other.version || this.#fingerprint === other.#fingerprint
  }
}
