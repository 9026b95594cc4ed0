import { NO_PRODUCER_EPOCH, NO_SEQUENCE } from '../protocol/records/layout.ts'
import type { RecordBatchView } from '../protocol/records/record-batch-view.ts'
import type { AppendOrigin } from './append-origin.ts'
import { InvalidProducerEpochError, OutOfOrderSequenceError } from './log-errors.ts'
import { ProducerStateEntry } from './producer-state-entry.ts'

const MAX_SEQUENCE = 2_147_483_647

/**
 * Checks the batches of one producer before they are appended, and collects what they change until they are (Kafka's
 * ProducerAppendInfo). Only batches of clients have their sequence numbers checked; what comes from a leader or from the
 * log itself was checked before.
 */
export class ProducerAppendInfo {
  readonly producerId: number
  readonly #where: string
  readonly #current: ProducerStateEntry
  readonly #updated: ProducerStateEntry
  readonly #origin: AppendOrigin

  /** @param where the partition, for messages */
  constructor(where: string, current: ProducerStateEntry, origin: AppendOrigin) {
    this.producerId = current.producerId
    this.#where = where
    this.#current = current
    this.#origin = origin
    this.#updated = new ProducerStateEntry(
      current.producerId,
      current.producerEpoch,
      [],
      current.lastTimestamp,
      current.coordinatorEpoch,
      current.currentTxnFirstOffset,
    )
  }

  /** The producer's epoch and batches as they will be; its batches are only the new ones. */
  get updated(): ProducerStateEntry {
    return this.#updated
  }

  /** Throws `InvalidProducerEpochError` or `OutOfOrderSequenceError` for a batch that must not be appended. */
  append(batch: RecordBatchView): void {
    const { producerEpoch, baseOffset, lastOffset } = batch
    this.#checkProducerEpoch(producerEpoch, baseOffset)
    if (this.#origin === 'client') this.#checkSequence(producerEpoch, batch.baseSequence, baseOffset)
    this.#updated.addBatch(producerEpoch, {
      lastSequence: batch.lastSequence,
      lastOffset,
      offsetDelta: lastOffset - baseOffset,
      timestamp: batch.maxTimestamp,
    })
  }

  #checkProducerEpoch(producerEpoch: number, offset: number): void {
    const seen = this.#updated.producerEpoch
    if (producerEpoch >= seen || this.#origin === 'replication') return
    throw new InvalidProducerEpochError(
      `epoch ${producerEpoch} of producer ${this.producerId} at offset ${offset} in ${this.#where} is older than ` +
        `epoch ${seen}, which was seen already`,
    )
  }

  #checkSequence(producerEpoch: number, sequence: number, offset: number): void {
    const who = `producer ${this.producerId} at offset ${offset} in ${this.#where}`
    if (producerEpoch !== this.#updated.producerEpoch) {
      // Nothing is known of a producer whose records are all gone: it may go on with any sequence number.
      if (sequence === 0 || this.#updated.producerEpoch === NO_PRODUCER_EPOCH) return
      throw new OutOfOrderSequenceError(
        `${who}: epoch ${producerEpoch} is new and must begin with sequence number 0, not ${sequence}`,
      )
    }
    if (this.#current.producerEpoch === NO_PRODUCER_EPOCH) return
    const last = this.#lastSequence(producerEpoch)
    if (isInSequence(last, sequence)) return
    throw new OutOfOrderSequenceError(`${who}: sequence number ${sequence} does not follow ${last}`)
  }

  #lastSequence(producerEpoch: number): number {
    if (!this.#updated.isEmpty) return this.#updated.lastSequence
    return producerEpoch === this.#current.producerEpoch ? this.#current.lastSequence : NO_SEQUENCE
  }
}

/** 2^31 - 1 is followed by 0. */
function isInSequence(last: number, next: number): boolean {
  return next === last + 1 || (next === 0 && last === MAX_SEQUENCE)
}
