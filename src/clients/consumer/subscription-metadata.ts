import type { ConsumerMetadata } from './consumer-metadata.ts'
import { RackSnapshot } from './rack-snapshot.ts'
import type { SubscriptionState } from './subscription-state.ts'

/** Follows the metadata of what is subscribed to (that part of Kafka's ConsumerCoordinator). */
export class SubscriptionMetadata {
  readonly #rackId: string | undefined
  readonly #metadata: ConsumerMetadata
  readonly #subscriptions: SubscriptionState
  #snapshot: RackSnapshot

  constructor(rackId: string | undefined, metadata: ConsumerMetadata, subscriptions: SubscriptionState) {
    this.#rackId = rackId
    this.#metadata = metadata
    this.#subscriptions = subscriptions
    this.#snapshot = new RackSnapshot(rackId, subscriptions, metadata)
  }

  /** The topics as of the last update. */
  get snapshot(): RackSnapshot {
    return this.#snapshot
  }

  /** Takes new metadata, if there is any: which topics a pattern matches, and their partitions. */
  maybeUpdate(): void {
    if (this.#metadata.updateVersion <= this.#snapshot.version) return
    if (this.#subscriptions.hasPatternSubscription) this.updatePatternSubscription()
    this.#snapshot = new RackSnapshot(this.#rackId, this.#subscriptions, this.#metadata)
  }

  updatePatternSubscription(): void {
    const topics = this.#metadata.fetch().topics.filter(topic => this.#subscriptions.matchesSubscribedPattern(topic))
    if (this.#subscriptions.subscribeFromPattern(topics)) this.#metadata.requestUpdateForNewTopics()
  }
}
