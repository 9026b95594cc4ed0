import { ClusterImage } from './cluster-image.ts'
import { ConfigurationsImage } from './configurations-image.ts'
import { FeaturesImage } from './features-image.ts'
import { ProducerIdsImage } from './producer-ids-image.ts'
import { TopicsImage } from './topics-image.ts'

/** Up to where an image has read the metadata log. */
export interface MetadataProvenance {
  /** Offset of the last record it contains, -1 when it contains none. */
  readonly lastContainedOffset: number
  /** Leader epoch of the batch with that record, -1 when there is none. */
  readonly lastContainedEpoch: number
  /** When that batch was appended, milliseconds since 1970 on the leader's clock; -1 when there is none. */
  readonly lastContainedLogTimeMs: number
}

export const EMPTY_PROVENANCE: MetadataProvenance = {
  lastContainedOffset: -1,
  lastContainedEpoch: -1,
  lastContainedLogTimeMs: -1,
}

export interface MetadataImageParts {
  readonly provenance: MetadataProvenance
  readonly features: FeaturesImage
  readonly cluster: ClusterImage
  readonly topics: TopicsImage
  readonly configs: ConfigurationsImage
  readonly producerIds: ProducerIdsImage
}

/** The cluster's metadata as of one offset of the metadata log. Never changed in place; see `MetadataDelta`. */
export class MetadataImage implements MetadataImageParts {
  static readonly EMPTY: MetadataImage = new MetadataImage({
    provenance: EMPTY_PROVENANCE,
    features: FeaturesImage.EMPTY,
    cluster: ClusterImage.EMPTY,
    topics: TopicsImage.EMPTY,
    configs: ConfigurationsImage.EMPTY,
    producerIds: ProducerIdsImage.EMPTY,
  })

  readonly provenance: MetadataProvenance
  readonly features: FeaturesImage
  readonly cluster: ClusterImage
  readonly topics: TopicsImage
  readonly configs: ConfigurationsImage
  readonly producerIds: ProducerIdsImage

  constructor(parts: MetadataImageParts) {
    this.provenance = parts.provenance
    this.features = parts.features
    this.cluster = parts.cluster
    this.topics = parts.topics
    this.configs = parts.configs
    this.producerIds = parts.producerIds
  }

  /** Offset of the last record it contains, -1 when it contains none. */
  get offset(): number {
    return this.provenance.lastContainedOffset
  }
}
