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
    const topics = new Set([...this.#subscriptions.metadataTopics(), ...this.#transientTopics])
    return {
      topics: [...topics].map(name => ({ name })),
      allowAutoTopicCreation: this.#options.allowAutoTopicCreation,
    }
  }

  protected override retainTopic(topic: string, isInternal: boolean): boolean {
    if (this.#transientTopics.has(topic) || this.#subscriptions.needsMetadata(topic)) return true
    if (isInternal && !this.#options.includeInternalTopics) return false
    return this.#subscriptions.matchesSubscribedPattern(topic)
  }
}
