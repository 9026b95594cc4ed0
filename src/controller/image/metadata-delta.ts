import type { MetadataRecord } from '../metadata-records.ts'
import { ClusterDelta } from './cluster-delta.ts'
import { ConfigurationsDelta } from './configurations-delta.ts'
import { FeaturesDelta } from './features-delta.ts'
import { MetadataImage, type MetadataProvenance } from './metadata-image.ts'
import { ProducerIdsDelta } from './producer-ids-delta.ts'
import { TopicsDelta } from './topics-delta.ts'

/**
 * What has changed since an image: collects replayed records, then `apply` gives the next image. A part that no record
 * has touched stays undefined here and is shared between the images.
 */
export class MetadataDelta {
  readonly image: MetadataImage
  #features: FeaturesDelta | undefined
  #cluster: ClusterDelta | undefined
  #topics: TopicsDelta | undefined
  #configs: ConfigurationsDelta | undefined
  #producerIds: ProducerIdsDelta | undefined

  constructor(image: MetadataImage) {
    this.image = image
  }

  get featuresDelta(): FeaturesDelta | undefined {
    return this.#features
  }

  get clusterDelta(): ClusterDelta | undefined {
    return this.#cluster
  }

  get topicsDelta(): TopicsDelta | undefined {
    return this.#topics
  }

  get configsDelta(): ConfigurationsDelta | undefined {
    return this.#configs
  }

  get producerIdsDelta(): ProducerIdsDelta | undefined {
    return this.#producerIds
  }

  /** Throws MetadataReplayError when the record contradicts what came before it. */
  replay(record: MetadataRecord): void {
    switch (record.type) {
      case 'RegisterBrokerRecord':
      case 'UnregisterBrokerRecord':
      case 'BrokerRegistrationChangeRecord':
        this.#cluster ??= new ClusterDelta(this.image.cluster)
        this.#cluster.replay(record)
        break
      case 'TopicRecord':
      case 'PartitionRecord':
      case 'PartitionChangeRecord':
        this.#topics ??= new TopicsDelta(this.image.topics)
        this.#topics.replay(record)
        break
      case 'ClearElrRecord':
        this.#topics ??= new TopicsDelta(this.image.topics)
        this.#topics.replayClearElr(record.data)
        break
      case 'RemoveTopicRecord': {
        this.#topics ??= new TopicsDelta(this.image.topics)
        this.#configs ??= new ConfigurationsDelta(this.image.configs)
        this.#configs.deleteTopic(this.#topics.replayRemoveTopic(record.data))
        break
      }
      case 'ConfigRecord':
        this.#configs ??= new ConfigurationsDelta(this.image.configs)
        this.#configs.replayConfig(record.data)
        break
      case 'FeatureLevelRecord':
        this.#features ??= new FeaturesDelta(this.image.features)
        this.#features.replayFeatureLevel(record.data)
        break
      case 'ProducerIdsRecord':
        this.#producerIds ??= new ProducerIdsDelta(this.image.producerIds)
        this.#producerIds.replayProducerIds(record.data)
        break
      case 'NoOpRecord':
        break
    }
  }

  /** The image after all replayed records, `provenance` saying which was the last. */
  apply(provenance: MetadataProvenance): MetadataImage {
    const base = this.image
    return new MetadataImage({
      provenance,
      features: this.#features?.apply() ?? base.features,
      cluster: this.#cluster?.apply() ?? base.cluster,
      topics: this.#topics?.apply() ?? base.topics,
      configs: this.#configs?.apply() ?? base.configs,
      producerIds: this.#producerIds?.apply() ?? base.producerIds,
    })
  }
}
