import { incrementSequence } from '../../protocol/records/batch.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import { IllegalStateException } from '../errors.ts'
import type { ProducerBatch } from './producer-batch.ts'

/** Who a producer is to brokers. */
export interface ProducerIdAndEpoch {
  /** −1: none. */
  readonly producerId: number
  readonly epoch: number
}

export const NO_PRODUCER_ID_AND_EPOCH: ProducerIdAndEpoch = { producerId: -1, epoch: -1 }

export function isSameProducer(a: ProducerIdAndEpoch, b: ProducerIdAndEpoch): boolean {
  return a.producerId === b.producerId && a.epoch === b.epoch
}

/** What a producer knows of its sequence numbers in one partition (Kafka's TxnPartitionEntry). */
export class TxnPartitionEntry {
  readonly topicPartition: TopicPartition
  producerIdAndEpoch = NO_PRODUCER_ID_AND_EPOCH
  /** Of the next batch that gets one. */
  nextSequence = 0
  /** −1: none. */
  lastAckedSequence = -1
  /** By producer id, epoch and sequence. */
  #inFlight: ProducerBatch[] = []

  constructor(topicPartition: TopicPartition) {
    this.topicPartition = topicPartition
  }

  /** Batches that have a sequence number and no final answer, in the order of their numbers; waiting for a retry or not. */
  get inFlightBatches(): readonly ProducerBatch[] {
    return this.#inFlight
  }

  incrementSequence(increment: number): void {
    this.nextSequence = incrementSequence(this.nextSequence, increment)
  }

  addInFlightBatch(batch: ProducerBatch): void {
    this.#inFlight.push(batch)
    this.#inFlight.sort(bySequence)
  }

  removeInFlightBatch(batch: ProducerBatch): void {
    const index = this.#inFlight.indexOf(batch)
    if (index >= 0) this.#inFlight.splice(index, 1)
  }

  /** Numbers what is in flight anew from 0 under another epoch or id. */
  startSequencesAtBeginning(producer: ProducerIdAndEpoch): void {
    let sequence = 0
    for (const batch of this.#inFlight) {
      batch.resetProducerState({
        producerId: producer.producerId,
        producerEpoch: producer.epoch,
        baseSequence: sequence,
        isTransactional: batch.producer.isTransactional,
      })
      sequence += batch.recordCount
    }
    this.#inFlight.sort(bySequence)
    this.producerIdAndEpoch = producer
    this.nextSequence = sequence
    this.lastAckedSequence = -1
  }
}

function bySequence(a: ProducerBatch, b: ProducerBatch): number {
  return (
    a.producer.producerId - b.producer.producerId ||
    a.producer.producerEpoch - b.producer.producerEpoch ||
    a.baseSequence - b.baseSequence
  )
}

/** The entries of all partitions that were sent to (Kafka's TxnPartitionMap). */
export class TxnPartitionMap {
  readonly #entries = new Map<string, TxnPartitionEntry>()

  find(partition: TopicPartition): TxnPartitionEntry | undefined {
    return this.#entries.get(partitionKey(partition))
  }

  /** @throws IllegalStateException when there is none */
  get(partition: TopicPartition): TxnPartitionEntry {
    const entry = this.find(partition)
    if (entry === undefined) {
      throw new IllegalStateException(`no sequence numbers of ${partitionKey(partition)}, which was never sent to`)
    }
    return entry
  }

  getOrCreate(partition: TopicPartition): TxnPartitionEntry {
    const found = this.find(partition)
    if (found !== undefined) return found
    const entry = new TxnPartitionEntry({ topic: partition.topic, partition: partition.partition })
    this.#entries.set(partitionKey(partition), entry)
    return entry
  }
}
