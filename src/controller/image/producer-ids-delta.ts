import type { ProducerIdsRecord } from '../metadata-records.ts'
import { MetadataReplayError } from '../metadata-replay-error.ts'
import { ProducerIdsImage } from './producer-ids-image.ts'

/** How far producer ids have been given out since an image. */
export class ProducerIdsDelta {
  #nextProducerId: number

  constructor(image: ProducerIdsImage) {
    this.#nextProducerId = image.nextProducerId
  }

  get nextProducerId(): number {
    return this.#nextProducerId
  }

  replayProducerIds(record: ProducerIdsRecord): void {
    if (record.nextProducerId <= this.#nextProducerId) {
      throw new MetadataReplayError(
        'ProducerIdsRecord',
        `the next producer id is ${record.nextProducerId}, must be more than ${this.#nextProducerId}`,
      )
    }
    this.#nextProducerId = record.nextProducerId
  }

  apply(): ProducerIdsImage {
    return new ProducerIdsImage(this.#nextProducerId)
  }
}
