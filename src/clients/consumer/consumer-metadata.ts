import { Metadata, type MetadataOptions, type MetadataRequestBody } from '../metadata.ts'
import type { SubscriptionState } from './subscription-state.ts'

export interface ConsumerMetadataOptions extends MetadataOptions {
  /** Not `exclude.internal.topics`: whether patterns may match internal topics. */
  readonly includeInternalTopics: boolean
  /** `allow.auto.create.topics` */
  readonly allowAutoTopicCreation: boolean
}

/** Metadata of the topics that a consumer has subscribed to, or is asked about (Kafka's ConsumerMetadata). */
export class ConsumerMetadata extends Metadata {
  readonly #options: ConsumerMetadataOptions
  readonly #subscriptions: SubscriptionState
  #transientTopics: ReadonlySet<string> = new Set()

  constructor(options: ConsumerMetadataOptions, subscriptions: SubscriptionState) {
    super(options)
    this.#options = options
    this.#subscriptions = subscriptions
  }

  get allowAutoTopicCreation(): boolean {
    return this.#options.allowAutoTopicCreation
  }

  /** Topics of one call, until `clearTransientTopics`. */
  addTransientTopics(topics: Iterable<string>): void {
    this.#transientTopics = new Set([...this.#transientTopics, ...topics])
    const known = new Set(this.fetch().topics)
    if ([...this.#transientTopics].some(topic => !known.has(topic))) this.requestUpdateForNewTopics()
  }

  clearTransientTopics(): void {
    this.#transientTopics = new Set()
  }

  protected override newMetadataRequest(): MetadataRequestBody {
    if (this.#subscriptions.hasPatternSubscription) return { topics: null, allowAutoTopicCreation: true }
    if (this.#subscriptions.subscriptionPattern !== undefined && this.#transientTopics.size === 0) {
      // The coordinator alone knows which topics match; of these the assignment tells the ids.
      const topics = [...this.#subscriptions.assignedTopicIds].map(topicId => ({ topicId, name: null }))
      return { topics, allowAutoTopicCreation: this.#options.allowAutoTopicCreation }
    }
    const topics = new Set([...this.#subscriptions.metadataTopics(), ...this.#transientTopics])
    return {
      topics: [...topics].map(name => ({ name })),
      allowAutoTopicCreation: this.#options.allowAutoTopicCreation,
    }
  }

  protected override retainTopic(topic: string, isInternal: boolean, _nowMs: number, topicId: string): boolean {
    if (this.#transientTopics.has(topic) || this.#subscriptions.needsMetadata(topic)) return true
    if (this.#subscriptions.isAssignedFromRe2j(topicId)) return true
    if (isInternal && !this.#options.includeInternalTopics) return false
    return this.#subscriptions.matchesSubscribedPattern(topic)
  }
}
