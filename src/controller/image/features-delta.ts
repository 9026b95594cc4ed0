import type { FeatureLevelRecord } from '../metadata-records.ts'
import { FeaturesImage } from './features-image.ts'
import { sortedMap } from './sorted-map.ts'

/** What has changed of the finalized features since an image. */
export class FeaturesDelta {
  readonly image: FeaturesImage
  readonly #changes = new Map<string, number>()

  constructor(image: FeaturesImage) {
    this.image = image
  }

  /** New level by feature; 0 for a feature that was turned off. */
  get changes(): ReadonlyMap<string, number> {
    return this.#changes
  }

  replayFeatureLevel(record: FeatureLevelRecord): void {
    this.#changes.set(record.name, record.featureLevel)
  }

  apply(): FeaturesImage {
    const levels = new Map(this.image.finalizedVersions)
    for (const [name, level] of this.#changes) {
      if (level === 0) levels.delete(name)
      else levels.set(name, level)
    }
    return new FeaturesImage(sortedMap(levels))
  }
}
