import type { MetadataDelta } from './metadata-delta.ts'
import { MetadataImage } from './metadata-image.ts'
import type { MetadataPublisher } from './metadata-publisher.ts'

/**
 * The newest published image, for those who answer requests (Kafka's KRaftMetadataCache). Installed first among the
 * publishers, it shows an image as soon as anyone begins to act on it.
 */
export class MetadataCache implements MetadataPublisher {
  readonly name = 'MetadataCache'
  #image: MetadataImage = MetadataImage.EMPTY

  get image(): MetadataImage {
    return this.#image
  }

  onMetadataUpdate(_delta: MetadataDelta, newImage: MetadataImage): void {
    this.#image = newImage
  }
}
