import type { ProduceResponse } from '../../protocol/apis/produce.ts'
import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import {
  ClusterAuthorizationException,
  exceptionFor,
  InvalidRecordException,
  isInvalidMetadataCode,
  KafkaError,
  TopicAuthorizationException,
} from '../errors.ts'
import type { LeaderIdAndEpoch } from '../metadata.ts'
import type { InFlightBatches } from './in-flight-batches.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { SenderOptions } from './sender-options.ts'

export type PartitionResponse = ProduceResponse['responses'][number]['partitionResponses'][number]

export interface FailOptions {
  /** Whether the sequence numbers of the batch were never used on the broker. */
  readonly adjustsSequenceNumbers: boolean
  /** Whether its memory is given back now. */
  readonly deallocates: boolean
}

type SendersPart = Pick<
  SenderOptions,
  'accumulator' | 'metadata' | 'metrics' | 'transactionManager' | 'guaranteeMessageOrder' | 'retries'
>

/** What becomes of a batch when its answer is there: done, failed, split, or sent again (Sender.completeBatch and failBatch). */
export class BatchCompletion {
  readonly #options: SendersPart
  readonly #inFlight: InFlightBatches

  constructor(options: SendersPart, inFlight: InFlightBatches) {
    this.#options = options
    this.#inFlight = inFlight
  }

  /** @param newLeaders takes the leader that the answer names instead */
  complete(batch: ProducerBatch, response: PartitionResponse, nowMs: number, newLeaders: LeaderIdAndEpoch[]): void {
    const { accumulator, guaranteeMessageOrder } = this.#options
    batch.inFlight = false
    const { errorCode } = response
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && batch.recordCount > 1 && !batch.isDone) this.#split(batch)
    else if (errorCode === ErrorCode.NONE) this.#succeed(batch, response)
    else this.#handleError(batch, response, nowMs, newLeaders)
    if (guaranteeMessageOrder) accumulator.unmutePartition(batch.topicPartition)
  }

  /** @param errorOf the error of each record, by its index in the batch */
  fail(
    batch: ProducerBatch,
    error: Error,
    errorOf: (index: number) => Error,
    { adjustsSequenceNumbers, deallocates }: FailOptions,
  ): void {
    const { accumulator, metrics, transactionManager } = this.#options
    metrics.recordErrors(batch.topicPartition.topic, batch.recordCount)
    if (!batch.completeExceptionally(errorOf)) {
      if (deallocates) accumulator.deallocate(batch)
      return
    }
    transactionManager?.handleFailedBatch(batch, error, adjustsSequenceNumbers)
    this.#inFlight.remove(batch)
    if (deallocates) accumulator.completeAndDeallocateBatch(batch)
    else accumulator.completeBatch(batch)
  }

  #split(batch: ProducerBatch): void {
    const { accumulator, metrics, transactionManager } = this.#options
    transactionManager?.removeInFlightBatch(batch)
    accumulator.splitAndReenqueue(batch)
    this.#inFlight.remove(batch)
    accumulator.completeAndDeallocateBatch(batch)
    metrics.recordBatchSplit()
  }

  #succeed(batch: ProducerBatch, { baseOffset, logAppendTimeMs }: PartitionResponse): void {
    const { accumulator, transactionManager } = this.#options
    transactionManager?.handleCompletedBatch(batch)
    if (batch.complete(baseOffset, logAppendTimeMs)) {
      this.#inFlight.remove(batch)
      accumulator.completeAndDeallocateBatch(batch)
    } else {
      // It has expired while it was under way.
      accumulator.deallocate(batch)
    }
  }

  #handleError(batch: ProducerBatch, response: PartitionResponse, nowMs: number, newLeaders: LeaderIdAndEpoch[]): void {
    const { accumulator, metadata, metrics, retries } = this.#options
    const { errorCode, currentLeader } = response
    if (this.#canRetry(batch, response, nowMs)) {
      accumulator.reenqueue(batch, nowMs)
      this.#inFlight.remove(batch)
      metrics.recordRetries(batch.topicPartition.topic, batch.recordCount)
    } else if (errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
      // It is written, but the broker no longer knows where.
      this.#succeed(batch, response)
    } else {
      const { error, errorOf } = failureOf(batch, response)
      this.fail(batch, error, errorOf, { adjustsSequenceNumbers: batch.attempts < retries, deallocates: true })
    }
    if (!isInvalidMetadataCode(errorCode)) return
    const namesLeader = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
    if (namesLeader && currentLeader.leaderId !== -1 && currentLeader.leaderEpoch !== -1) {
      newLeaders.push({ ...batch.topicPartition, ...currentLeader })
    }
    metadata.requestUpdate(false)
  }

  #canRetry(batch: ProducerBatch, response: PartitionResponse, nowMs: number): boolean {
    const { accumulator, retries, transactionManager } = this.#options
    return (
      !batch.hasReachedDeliveryTimeout(accumulator.options.deliveryTimeoutMs, nowMs) &&
      batch.attempts < retries &&
      !batch.isDone &&
      (transactionManager?.canRetry(response, batch) ?? isRetriable(response.errorCode))
    )
  }
}

/** The error of the batch, and that of each of its records. */
function failureOf(
  batch: ProducerBatch,
  { errorCode, errorMessage, recordErrors }: PartitionResponse,
): { readonly error: Error; readonly errorOf: (index: number) => Error } {
  const error = batchError(batch, errorCode, errorMessage)
  if (recordErrors.length === 0) return { error, errorOf: () => error }
  const errors = new Map<number, Error>()
  for (const { batchIndex, batchIndexErrorMessage } of recordErrors) {
    const message = batchIndexErrorMessage ?? errorMessage ?? error.message
    const isOnly = recordErrors.length === 1
    errors.set(batchIndex, isOnly ? exceptionFor(errorCode, message) : new InvalidRecordException(message))
  }
  const other = new KafkaError(
    'Failed to append record because it was part of a batch which had one or more invalid records',
  )
  return { error, errorOf: index => errors.get(index) ?? other }
}

function batchError({ topicPartition }: ProducerBatch, errorCode: number, message: string | null): KafkaError {
  if (errorCode === ErrorCode.TOPIC_AUTHORIZATION_FAILED) return new TopicAuthorizationException([topicPartition.topic])
  if (errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED) {
    return new ClusterAuthorizationException('The producer is not authorized to do idempotent sends')
  }
  return exceptionFor(errorCode, message)
}
