import { NO_SEQUENCE, RecordBatchView, type RecordInput } from '../../protocol/records/batch.ts'
import type { CompressionCodec } from '../../protocol/records/compression/codec.ts'
import {
  estimateSizeInBytesUpperBound,
  MemoryRecordsBuilder,
  type ProducerState,
} from '../../protocol/records/memory-records-builder.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { IllegalStateException } from '../errors.ts'
import { type BatchOutcome, FutureRecordMetadata } from './future-record-metadata.ts'
import { ProduceRequestResult } from './produce-request-result.ts'
import type { RecordMetadata } from './producer-record.ts'

/** A record's way back to its application. An error that leaves it is reported and otherwise ignored. */
export type OnCompletion = (metadata: RecordMetadata, error: Error | undefined) => void

interface Thunk {
  readonly future: FutureRecordMetadata
  readonly onCompletion: OnCompletion
}

export interface ProducerBatchOptions {
  readonly topicPartition: TopicPartition
  /** Bytes that it may grow to, unless its first record is larger. */
  readonly capacity: number
  /** Bytes of `buffer.memory` that are its own; 0 for a batch that another was split into. */
  readonly reservedBytes: number
  readonly compression: CompressionCodec
  readonly estimatedCompressionRatio: number
  readonly createdMs: number
  readonly isSplitBatch: boolean
  /** What a callback threw. */
  readonly onCallbackError: (error: unknown) => void
}

type FinalState = 'aborted' | 'failed' | 'succeeded'

/** Records for one partition that travel together (Kafka's ProducerBatch). Times are of the monotonic clock. */
export class ProducerBatch {
  readonly topicPartition: TopicPartition
  readonly createdMs: number
  readonly isSplitBatch: boolean
  readonly reservedBytes: number
  readonly result: ProduceRequestResult
  readonly #runtime: Runtime
  readonly #options: ProducerBatchOptions
  readonly #builder: MemoryRecordsBuilder
  readonly #thunks: Thunk[] = []
  #finalState: FinalState | undefined
  #attempts = 0
  #lastAttemptMs: number
  #lastAppendMs: number
  #drainedMs = Number.NEGATIVE_INFINITY
  #retry = false
  #reopened = false
  #maxRecordSize = 0
  #leaderEpoch: number | undefined
  #attemptsWhenLeaderLastChanged = 0
  #bufferDeallocated = false
  /** Whether it is part of a request that has no answer yet. */
  inFlight = false

  constructor(runtime: Runtime, options: ProducerBatchOptions) {
    this.#runtime = runtime
    this.#options = options
    this.topicPartition = options.topicPartition
    this.createdMs = options.createdMs
    this.isSplitBatch = options.isSplitBatch
    this.reservedBytes = options.reservedBytes
    this.#lastAttemptMs = options.createdMs
    this.#lastAppendMs = options.createdMs
    this.result = new ProduceRequestResult(runtime)
    this.#builder = new MemoryRecordsBuilder({
      compression: options.compression,
      writeLimit: options.capacity,
      estimatedCompressionRatio: options.estimatedCompressionRatio,
    })
  }

  get recordCount(): number {
    return this.#builder.recordCount
  }

  get attempts(): number {
    return this.#attempts
  }

  /** Whether it has been sent before. */
  get inRetry(): boolean {
    return this.#retry
  }

  get finalState(): FinalState | undefined {
    return this.#finalState
  }

  get isDone(): boolean {
    return this.#finalState !== undefined
  }

  get isFull(): boolean {
    return this.#builder.isFull
  }

  get isClosed(): boolean {
    return this.#builder.closed
  }

  get isCompressed(): boolean {
    return this.#builder.compression !== 'none'
  }

  get estimatedSizeInBytes(): number {
    return this.#builder.estimatedSizeInBytes
  }

  get maxRecordSize(): number {
    return this.#maxRecordSize
  }

  get compressionRatio(): number {
    return this.#builder.compressionRatio
  }

  get queueTimeMs(): number {
    return this.#drainedMs - this.createdMs
  }

  get producer(): ProducerState {
    return this.#builder.producer
  }

  get baseSequence(): number {
    return this.#builder.producer.baseSequence
  }

  get lastSequence(): number {
    return this.baseSequence + this.recordCount - 1
  }

  get hasSequence(): boolean {
    return this.baseSequence !== NO_SEQUENCE
  }

  /** Whether its sequence number was changed since it was last closed. */
  get sequenceHasBeenReset(): boolean {
    return this.#reopened
  }

  get isBufferDeallocated(): boolean {
    return this.#bufferDeallocated
  }

  markBufferDeallocated(): void {
    this.#bufferDeallocated = true
  }

  /** Adds a record when there is room for it; undefined when there is not. */
  tryAppend(record: RecordInput, onCompletion: OnCompletion, nowMs: number): FutureRecordMetadata | undefined {
    if (!this.#builder.hasRoomFor(record)) return undefined
    const { timestamp, key, value } = record
    const future = new FutureRecordMetadata(this.#runtime, timestamp, key?.length ?? -1, value?.length ?? -1)
    this.#append(record, { future, onCompletion })
    this.#lastAppendMs = nowMs
    return future
  }

  closeForRecordAppends(): void {
    this.#builder.closeForRecordAppends()
  }

  abortRecordAppends(): void {
    this.#builder.abort()
  }

  setProducerState(producer: ProducerState): void {
    this.#builder.setProducerState(producer)
  }

  /** Gives it another sequence number, also when it is closed or under way. */
  resetProducerState(producer: ProducerState): void {
    this.#reopened = true
    this.#builder.reopenAndRewriteProducerState(producer)
  }

  /** Closes it for sending. */
  close(): void {
    this.#builder.build()
    this.#reopened = false
  }

  /** The bytes to send. */
  records(): Buffer {
    return this.#builder.build()
  }

  /** Remembers when the partition's leader has changed, so that a retry to the new one does not wait (KIP-951). */
  maybeUpdateLeaderEpoch(leaderEpoch: number | undefined): void {
    if (leaderEpoch === undefined || (this.#leaderEpoch !== undefined && this.#leaderEpoch >= leaderEpoch)) return
    this.#attemptsWhenLeaderLastChanged = this.#attempts
    this.#leaderEpoch = leaderEpoch
  }

  get hasLeaderChangedForTheOngoingRetry(): boolean {
    return this.#attempts >= 1 && this.#attempts === this.#attemptsWhenLeaderLastChanged
  }

  hasReachedDeliveryTimeout(deliveryTimeoutMs: number, nowMs: number): boolean {
    return deliveryTimeoutMs <= nowMs - this.createdMs
  }

  waitedTimeMs(nowMs: number): number {
    return Math.max(0, nowMs - this.#lastAttemptMs)
  }

  /** It goes back to its queue after a failed attempt. */
  reenqueued(nowMs: number): void {
    this.#attempts++
    this.#lastAttemptMs = Math.max(this.#lastAppendMs, nowMs)
    this.#lastAppendMs = Math.max(this.#lastAppendMs, nowMs)
    this.#retry = true
  }

  drained(nowMs: number): void {
    this.#drainedMs = Math.max(this.#drainedMs, nowMs)
  }

  /** All records fail. @throws IllegalStateException when it is done already */
  abort(error: Error): void {
    if (this.#finalState !== undefined) throw new IllegalStateException(`the batch is ${this.#finalState} already`)
    this.#finalState = 'aborted'
    this.#settle({ baseOffset: -1, logAppendTimeMs: -1, errorOf: () => error })
  }

  /** All records are written. False when it is done already: then nothing happens. */
  complete(baseOffset: number, logAppendTimeMs: number): boolean {
    return this.#done('succeeded', { baseOffset, logAppendTimeMs, errorOf: undefined })
  }

  /** All records fail, each with its own error. False when it is done already: then nothing happens. */
  completeExceptionally(errorOf: (index: number) => Error): boolean {
    return this.#done('failed', { baseOffset: -1, logAppendTimeMs: -1, errorOf })
  }

  /** Moves its records into smaller batches, oldest first, with sequence numbers that follow on each other. */
  split(splitBatchSize: number): ProducerBatch[] {
    const records = [...new RecordBatchView(this.#builder.build(), 0).records()]
    const batches: ProducerBatch[] = []
    let batch: ProducerBatch | undefined
    records.forEach(({ timestamp, key, value, headers }, index) => {
      const record: RecordInput = { timestamp, key, value, headers }
      const thunk = this.#thunks[index]
      if (thunk === undefined) throw new IllegalStateException(`record ${index} of the batch has no future`)
      if (batch === undefined || !batch.#builder.hasRoomFor(record)) {
        batch?.closeForRecordAppends()
        batch = this.#splitOff(record, splitBatchSize)
        batches.push(batch)
      }
      batch.#append(record, thunk)
    })
    batch?.closeForRecordAppends()
    for (const part of batches) this.result.addDependent(part.result)
    this.#finalState = 'failed'
    this.result.done()
    if (this.hasSequence) this.#numberSplitBatches(batches)
    return batches
  }

  #append(record: RecordInput, thunk: Thunk): void {
    this.#builder.append(record)
    this.#maxRecordSize = Math.max(this.#maxRecordSize, estimateSizeInBytesUpperBound(record))
    this.#thunks.push(thunk)
  }

  #splitOff(first: RecordInput, splitBatchSize: number): ProducerBatch {
    return new ProducerBatch(this.#runtime, {
      ...this.#options,
      capacity: Math.max(estimateSizeInBytesUpperBound(first), splitBatchSize),
      reservedBytes: 0,
      isSplitBatch: true,
    })
  }

  #numberSplitBatches(batches: readonly ProducerBatch[]): void {
    let { baseSequence } = this
    for (const batch of batches) {
      batch.setProducerState({ ...this.producer, baseSequence })
      baseSequence += batch.recordCount
    }
  }

  #done(state: FinalState, outcome: BatchOutcome): boolean {
    if (this.#finalState === undefined) {
      this.#finalState = state
      this.#settle(outcome)
      return true
    }
    if (this.#finalState === 'succeeded') {
      throw new IllegalStateException(`a succeeded batch must not attempt another state change to ${state}`)
    }
    return false
  }

  #settle(outcome: BatchOutcome): void {
    const { onCallbackError } = this.#options
    this.#thunks.forEach(({ future, onCompletion }, index) => {
      const metadata = future.take(this.topicPartition, index, outcome)
      try {
        onCompletion(metadata, future.error)
      } catch (error) {
        onCallbackError(error)
      }
    })
    for (const { future } of this.#thunks) future.done()
    this.result.done()
  }
}
