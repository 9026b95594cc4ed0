import { NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP } from '../protocol/records/layout.ts'
import { decrementSequence } from '../protocol/records/sequence.ts'

/** Batches of a producer that are remembered, so that a repeated one is recognised. Clients keep at most as many in flight. */
export const NUM_BATCHES_TO_RETAIN = 5

/** What is remembered of one batch. */
export interface BatchMetadata {
  readonly lastSequence: number
  readonly lastOffset: number
  /** Last offset minus first offset. */
  readonly offsetDelta: number
  readonly timestamp: number
}

export function firstSequence(batch: BatchMetadata): number {
  return decrementSequence(batch.lastSequence, batch.offsetDelta)
}

export function firstOffset(batch: BatchMetadata): number {
  return batch.lastOffset - batch.offsetDelta
}

/** The part of a batch by which a repeated one is recognised. */
export interface BatchIdentity {
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
}

/** What a partition's log knows of one producer id (Kafka's ProducerStateEntry). */
export class ProducerStateEntry {
  readonly producerId: number
  producerEpoch: number
  /** Epoch of the transaction coordinator that wrote the last marker, -1 before one did. */
  coordinatorEpoch: number
  /** Time of the last batch, from which expiration counts. */
  lastTimestamp: number
  /** First offset of the open transaction, -1 without one. */
  currentTxnFirstOffset: number
  readonly #batches: BatchMetadata[]

  constructor(
    producerId: number,
    producerEpoch: number = NO_PRODUCER_EPOCH,
    batches: readonly BatchMetadata[] = [],
    lastTimestamp: number = NO_TIMESTAMP,
    coordinatorEpoch = -1,
    currentTxnFirstOffset = -1,
  ) {
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    this.#batches = [...batches]
    this.lastTimestamp = lastTimestamp
    this.coordinatorEpoch = coordinatorEpoch
    this.currentTxnFirstOffset = currentTxnFirstOffset
  }

  /** The remembered batches, oldest first; at most five. */
  get batches(): readonly BatchMetadata[] {
    return this.#batches
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0
  }

  /** Sequence number of the last record, -1 when no batch is remembered. */
  get lastSequence(): number {
    return this.#batches.at(-1)?.lastSequence ?? NO_SEQUENCE
  }

  /** Offset of the last record, -1 when no batch is remembered. */
  get lastDataOffset(): number {
    return this.#batches.at(-1)?.lastOffset ?? -1
  }

  get lastOffsetDelta(): number {
    return this.#batches.at(-1)?.offsetDelta ?? 0
  }

  /** Remembers a batch, forgetting the oldest beyond five and all of an earlier epoch. */
  addBatch(producerEpoch: number, batch: BatchMetadata): void {
    this.#maybeUpdateEpoch(producerEpoch)
    if (this.#batches.length === NUM_BATCHES_TO_RETAIN) this.#batches.shift()
    this.#batches.push(batch)
    this.lastTimestamp = batch.timestamp
  }

  /** Takes over what newer batches of the same producer, kept apart until they were appended, have brought. */
  update(next: ProducerStateEntry): void {
    this.#maybeUpdateEpoch(next.producerEpoch)
    for (const batch of next.#batches) {
      if (this.#batches.length === NUM_BATCHES_TO_RETAIN) this.#batches.shift()
      this.#batches.push(batch)
    }
    this.lastTimestamp = next.lastTimestamp
    this.coordinatorEpoch = next.coordinatorEpoch
    this.currentTxnFirstOffset = next.currentTxnFirstOffset
  }

  /** The remembered batch that this one repeats; undefined when it repeats none. */
  findDuplicateBatch(batch: BatchIdentity): BatchMetadata | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined
    return this.#batches.find(
      known => firstSequence(known) === batch.baseSequence && known.lastSequence === batch.lastSequence,
    )
  }

  #maybeUpdateEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return
    this.#batches.length = 0
    this.producerEpoch = producerEpoch
  }
}
