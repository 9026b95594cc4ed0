import type { ProduceResponse } from '../../protocol/apis/produce.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import {
  ClusterAuthorizationException,
  IllegalStateException,
  OutOfOrderSequenceException,
  ProducerFencedException,
  TransactionalIdAuthorizationException,
  UnsupportedVersionException,
} from '../errors.ts'
import type { ProducerBatch } from './producer-batch.ts'
import {
  isSameProducer,
  NO_PRODUCER_ID_AND_EPOCH,
  type ProducerIdAndEpoch,
  type TxnPartitionEntry,
  TxnPartitionMap,
} from './txn-partition-map.ts'

const EPOCH_MAX = 32_767

type State = 'uninitialized' | 'initializing' | 'ready' | 'abortable error' | 'fatal error'

const VALID_SOURCES: Readonly<Record<State, readonly State[]>> = {
  uninitialized: ['ready', 'abortable error'],
  initializing: ['uninitialized'],
  ready: ['initializing'],
  'abortable error': ['initializing', 'abortable error'],
  'fatal error': ['uninitialized', 'initializing', 'ready', 'abortable error', 'fatal error'],
}

type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number]

/** What an answer to a batch says, as far as sequence numbers are concerned. */
export type SequencedResponse = Pick<PartitionResponse, 'errorCode' | 'logStartOffset'>

/**
 * What makes a producer idempotent (the part of Kafka's TransactionManager without transactions; KIP-98, KIP-360): its id and
 * epoch, the sequence numbers of each partition, and what to do when brokers do not agree with them. Only the sender's thread
 * uses it.
 */
export class TransactionManager {
  readonly #partitions = new TxnPartitionMap()
  /** Partition to the number after the last that was given up without knowing whether it was written. */
  readonly #unresolved = new Map<string, { readonly partition: TopicPartition; nextSequence: number }>()
  readonly #toRewrite = new Map<string, TopicPartition>()
  #producer = NO_PRODUCER_ID_AND_EPOCH
  #state: State = 'uninitialized'
  #lastError: Error | undefined
  #epochBumpRequired = false
  #initProducerIdPending = false

  get producerIdAndEpoch(): ProducerIdAndEpoch {
    return this.#producer
  }

  get hasProducerId(): boolean {
    return this.#producer.producerId > -1
  }

  get lastError(): Error | undefined {
    return this.#lastError
  }

  get hasFatalError(): boolean {
    return this.#state === 'fatal error'
  }

  get hasAbortableError(): boolean {
    return this.#state === 'abortable error'
  }

  /** Whether an InitProducerId request waits to be sent. */
  get initProducerIdPending(): boolean {
    return this.#initProducerIdPending && !this.hasFatalError && !this.hasAbortableError
  }

  /** The request is on its way. */
  initProducerIdSent(): void {
    this.#initProducerIdPending = false
  }

  /** The request is to be sent again. */
  retryInitProducerId(): void {
    this.#initProducerIdPending = true
  }

  initProducerIdSucceeded(producer: ProducerIdAndEpoch): void {
    this.#producer = producer
    this.#transitionTo('ready')
  }

  transitionToAbortableError(error: Error): void {
    this.#transitionTo('abortable error', error)
  }

  transitionToFatalError(error: Error): void {
    this.#transitionTo('fatal error', error)
  }

  transitionToUninitialized(): void {
    this.#transitionTo('uninitialized')
    this.#initProducerIdPending = false
  }

  /** Errors of a send after which an idempotent producer cannot go on. */
  maybeTransitionToErrorState(error: Error): void {
    if (
      error instanceof ClusterAuthorizationException ||
      error instanceof TransactionalIdAuthorizationException ||
      error instanceof ProducerFencedException ||
      error instanceof UnsupportedVersionException
    ) {
      this.transitionToFatalError(error)
    }
  }

  /** Takes the next epoch when a partition asked for it, and asks for an id when there is none. */
  bumpIdempotentEpochAndResetIdIfNeeded(): void {
    if (this.#epochBumpRequired) this.#bumpIdempotentProducerEpoch()
    if (this.#state !== 'initializing' && !this.hasProducerId) {
      this.#transitionTo('initializing')
      this.#initProducerIdPending = true
    }
  }

  /** A new epoch, with sequence numbers from 0 again in this partition. */
  requestIdempotentEpochBumpForPartition(partition: TopicPartition): void {
    this.#epochBumpRequired = true
    this.#toRewrite.set(partitionKey(partition), partition)
  }

  /** Before a batch gets its number: takes over the current id and epoch when nothing of older ones is in flight. */
  maybeUpdateProducerIdAndEpoch(partition: TopicPartition): void {
    if (this.hasFatalError) return
    if (this.hasStaleProducerIdAndEpoch(partition) && !this.hasInFlightBatches(partition)) {
      this.#partitions.get(partition).startSequencesAtBeginning(this.#producer)
    }
  }

  /** The number of the next batch of the partition. */
  sequenceNumber(partition: TopicPartition): number {
    return this.#entry(partition).nextSequence
  }

  incrementSequenceNumber(partition: TopicPartition, increment: number): void {
    this.#partitions.get(partition).incrementSequence(increment)
  }

  addInFlightBatch(batch: ProducerBatch): void {
    if (!batch.hasSequence) throw new IllegalStateException('a batch without a sequence number cannot be tracked')
    this.#partitions.get(batch.topicPartition).addInFlightBatch(batch)
  }

  removeInFlightBatch(batch: ProducerBatch): void {
    this.#partitions.find(batch.topicPartition)?.removeInFlightBatch(batch)
  }

  hasInFlightBatches(partition: TopicPartition): boolean {
    return this.#entry(partition).inFlightBatches.length > 0
  }

  /** −1: none is in flight. */
  firstInFlightSequence(partition: TopicPartition): number {
    return this.#entry(partition).inFlightBatches[0]?.baseSequence ?? -1
  }

  hasStaleProducerIdAndEpoch(partition: TopicPartition): boolean {
    return !isSameProducer(this.#producer, this.#entry(partition).producerIdAndEpoch)
  }

  hasUnresolvedSequence(partition: TopicPartition): boolean {
    return this.#unresolved.has(partitionKey(partition))
  }

  /** A batch was given up that may have been written: until that is known, its partition gets no new numbers. */
  markSequenceUnresolved(batch: ProducerBatch): void {
    const key = partitionKey(batch.topicPartition)
    const nextSequence = Math.max(this.#unresolved.get(key)?.nextSequence ?? -1, batch.lastSequence + 1)
    this.#unresolved.set(key, { partition: batch.topicPartition, nextSequence })
  }

  /** Partitions that nothing is in flight to: either all numbers were acknowledged, or a new epoch begins. */
  maybeResolveSequences(): void {
    for (const [key, { partition }] of this.#unresolved) {
      if (this.hasInFlightBatches(partition)) continue
      if (!this.#isNextSequence(partition, this.sequenceNumber(partition))) {
        this.requestIdempotentEpochBumpForPartition(partition)
      }
      this.#unresolved.delete(key)
    }
  }

  handleCompletedBatch(batch: ProducerBatch): void {
    const entry = this.#partitions.find(batch.topicPartition)
    if (entry !== undefined) entry.lastAckedSequence = Math.max(entry.lastAckedSequence, batch.lastSequence)
    this.removeInFlightBatch(batch)
  }

  /** @param adjustSequenceNumbers whether the numbers of the batch were never used on the broker */
  handleFailedBatch(batch: ProducerBatch, error: Error, adjustSequenceNumbers: boolean): void {
    this.maybeTransitionToErrorState(error)
    this.removeInFlightBatch(batch)
    if (this.hasFatalError) return
    if (error instanceof OutOfOrderSequenceException || adjustSequenceNumbers) {
      this.requestIdempotentEpochBumpForPartition(batch.topicPartition)
    }
  }

  /** Whether a batch that was answered with an error is sent again; may ask for a new epoch on the way. */
  canRetry(response: SequencedResponse, batch: ProducerBatch): boolean {
    const partition = batch.topicPartition
    if (response.errorCode === ErrorCode.UNKNOWN_PRODUCER_ID) {
      // Without a log start offset the partition has just moved; the retry will tell more.
      if (response.logStartOffset !== -1 && !batch.sequenceHasBeenReset) {
        this.requestIdempotentEpochBumpForPartition(partition)
      }
      return true
    }
    if (response.errorCode === ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER) {
      const unresolved = this.#unresolved.get(partitionKey(partition))
      const isBehindAnother = batch.sequenceHasBeenReset || !this.#isNextSequence(partition, batch.baseSequence)
      if (unresolved === undefined && isBehindAnother) return true
      if (unresolved === undefined || unresolved.nextSequence === batch.baseSequence) {
        this.requestIdempotentEpochBumpForPartition(partition)
      }
      return true
    }
    return isRetriable(response.errorCode)
  }

  #bumpIdempotentProducerEpoch(): void {
    const { producerId, epoch } = this.#producer
    if (epoch === EPOCH_MAX) {
      this.#producer = NO_PRODUCER_ID_AND_EPOCH
      this.#transitionTo('uninitialized')
    } else {
      this.#producer = { producerId, epoch: epoch + 1 }
    }
    for (const [key, partition] of this.#toRewrite) {
      this.#entry(partition).startSequencesAtBeginning(this.#producer)
      this.#unresolved.delete(key)
    }
    this.#toRewrite.clear()
    this.#epochBumpRequired = false
  }

  #isNextSequence(partition: TopicPartition, sequence: number): boolean {
    return sequence - (this.#partitions.find(partition)?.lastAckedSequence ?? -1) === 1
  }

  #entry(partition: TopicPartition): TxnPartitionEntry {
    return this.#partitions.getOrCreate(partition)
  }

  #transitionTo(target: State, error?: Error): void {
    if (!VALID_SOURCES[target].includes(this.#state)) {
      const message = `invalid transition attempted from state ${this.#state} to state ${target}`
      this.#state = 'fatal error'
      this.#lastError = new IllegalStateException(message)
      throw this.#lastError
    }
    this.#state = target
    this.#lastError = error
  }
}
