/** Producer ids given out up to one offset of the metadata log. Never changed in place. */
export class ProducerIdsImage {
  static readonly EMPTY: ProducerIdsImage = new ProducerIdsImage(0)

  /** First id of the block that will be given out next. */
  readonly nextProducerId: number

  constructor(nextProducerId: number) {
    this.nextProducerId = nextProducerId
  }
}
