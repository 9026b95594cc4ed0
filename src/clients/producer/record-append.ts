import { ErrorCode, isRetriable } from '../../protocol/errors.ts'
import type { RecordHeader, RecordInput } from '../../protocol/records/batch.ts'
import { estimateSizeInBytesUpperBound } from '../../protocol/records/memory-records-builder.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import {
  exceptionFor,
  IllegalArgumentException,
  InvalidTopicException,
  KafkaError,
  RecordTooLargeException,
  TimeoutException,
} from '../errors.ts'
import type { MetadataSnapshot } from '../metadata-snapshot.ts'
import type { Headers, Serializer } from '../serialization.ts'
import type { BufferPool } from './buffer-pool.ts'
import { partitionForKey } from './built-in-partitioner.ts'
import type { FutureRecordMetadata } from './future-record-metadata.ts'
import type { OnCompletion } from './producer-batch.ts'
import type { ProducerMetadata } from './producer-metadata.ts'
import type { ProducerMetrics } from './producer-metrics.ts'
import type { Partitioner, ProducerRecord } from './producer-record.ts'
import type { RecordAccumulator } from './record-accumulator.ts'

/** What must be waited for before a step can go on. */
export type Wait = () => Promise<void>

export interface RecordAppendOptions<K, V> {
  readonly metadata: ProducerMetadata
  readonly accumulator: RecordAccumulator
  readonly bufferPool: BufferPool
  readonly metrics: ProducerMetrics
  readonly keySerializer: Serializer<K>
  readonly valueSerializer: Serializer<V>
  readonly partitioner: Partitioner<K, V> | undefined
  readonly partitionerIgnoreKeys: boolean
  readonly maxRequestSize: number
  readonly maxBlockMs: number
  /** Makes the sender look at what is new. */
  readonly wakeup: () => void
}

/** A record on its way into the accumulator. */
export interface RecordToAppend<K, V> {
  readonly record: ProducerRecord<K, V>
  /** When the application called, on the monotonic clock: `max.block.ms` counts from there. */
  readonly startMs: number
  readonly headers: Headers
  readonly setPartition: (partition: number) => void
  readonly onCompletion: OnCompletion
}

/** How a record gets from the application into the accumulator (KafkaProducer.doSend). */
export class RecordAppend<K, V> {
  readonly #runtime: Runtime
  readonly #options: RecordAppendOptions<K, V>

  constructor(runtime: Runtime, options: RecordAppendOptions<K, V>) {
    this.#runtime = runtime
    this.#options = options
  }

  /** The steps of one send: each that cannot go on yields what is to be waited for; errors are those of the send. */
  *steps(send: RecordToAppend<K, V>): Generator<Wait, FutureRecordMetadata, void> {
    const { record, headers, startMs } = send
    const cluster = yield* this.#clusterFor(record, startMs)
    const key = this.#options.keySerializer.serialize(record.topic, record.key ?? null, headers)
    const value = this.#options.valueSerializer.serialize(record.topic, record.value, headers)
    const partition = this.#partition(record, key, value, cluster)
    // What the application does to the list afterwards changes nothing.
    const input = { key, value, headers: [...headers], timestamp: record.timestamp ?? this.#runtime.clock.wallMs() }
    this.#ensureValidRecordSize(input)
    return yield* this.#append(send, input, partition, cluster)
  }

  /**
   * The cluster, with this topic and partition in it (KafkaProducer.waitOnMetadata).
   *
   * @throws TimeoutException after `max.block.ms`; InvalidTopicException, TopicAuthorizationException
   */
  *clusterWith(topic: string, partition: number | undefined, startMs: number): Generator<Wait, MetadataSnapshot, void> {
    const { metadata, maxBlockMs, metrics, wakeup } = this.#options
    let cluster = metadata.fetch()
    if (cluster.invalidTopics.has(topic)) throw new InvalidTopicException([topic])
    metadata.add(topic, this.#nowMs())
    let count = cluster.partitionCountForTopic(topic)
    if (has(count, partition)) return cluster
    do {
      metadata.add(topic, this.#nowMs())
      const version = metadata.requestUpdateForTopic(topic)
      wakeup()
      const remainingMs = maxBlockMs - (this.#nowMs() - startMs)
      try {
        yield () => metadata.awaitUpdate(version, remainingMs)
      } catch (error) {
        if (!(error instanceof TimeoutException)) throw error
        throw this.#notPresent(topic, partition, count, metadata.getError(topic))
      }
      cluster = metadata.fetch()
      if (this.#nowMs() - startMs >= maxBlockMs) {
        const code = metadata.getError(topic)
        throw this.#notPresent(topic, partition, count, isRetriable(code) ? code : ErrorCode.NONE)
      }
      metadata.maybeThrowExceptionForTopic(topic)
      count = cluster.partitionCountForTopic(topic)
    } while (!has(count, partition))
    metrics.recordMetadataWait(this.#nowMs() - startMs)
    return cluster
  }

  *#clusterFor({ topic, partition }: ProducerRecord<K, V>, startMs: number): Generator<Wait, MetadataSnapshot, void> {
    try {
      return yield* this.clusterWith(topic, partition, startMs)
    } catch (error) {
      if (!this.#options.metadata.closed) throw error
      throw new KafkaError('Producer closed while send in progress', { cause: error })
    }
  }

  *#append(
    send: RecordToAppend<K, V>,
    record: RecordInput,
    partition: number | undefined,
    cluster: MetadataSnapshot,
  ): Generator<Wait, FutureRecordMetadata, void> {
    const { accumulator, bufferPool, maxBlockMs, wakeup } = this.#options
    const { topic } = send.record
    const { setPartition, onCompletion } = send
    let reservedBytes = 0
    try {
      for (;;) {
        const request = { topic, partition, record, setPartition, onCompletion, cluster }
        const result = accumulator.append(request, reservedBytes)
        if ('future' in result) {
          if (result.newBatchCreated) reservedBytes = 0
          if (result.newBatchCreated || result.batchIsFull) wakeup()
          return result.future
        }
        const { neededBytes } = result
        if (!bufferPool.tryAllocate(neededBytes)) {
          const remainingMs = Math.max(0, maxBlockMs - (this.#nowMs() - send.startMs))
          yield () => {
            const allocated = bufferPool.allocate(neededBytes, remainingMs)
            // While somebody waits for memory, nothing lingers.
            wakeup()
            return allocated
          }
        }
        reservedBytes = neededBytes
      }
    } finally {
      if (reservedBytes > 0) bufferPool.deallocate(reservedBytes)
    }
  }

  /** Undefined: the built-in partitioner chooses when the record is appended. */
  #partition(
    { topic, partition, key, value }: ProducerRecord<K, V>,
    keyBytes: Buffer | null,
    valueBytes: Buffer | null,
    cluster: MetadataSnapshot,
  ): number | undefined {
    const { partitioner, partitionerIgnoreKeys } = this.#options
    if (partition !== undefined) return partition
    if (partitioner !== undefined) {
      const chosen = partitioner.partition(topic, key ?? null, keyBytes, value, valueBytes, cluster)
      if (Number.isInteger(chosen) && chosen >= 0) return chosen
      throw new IllegalArgumentException(
        `The partitioner generated an invalid partition number: ${chosen}. Partition number should always be non-negative.`,
      )
    }
    if (keyBytes === null || partitionerIgnoreKeys) return undefined
    return partitionForKey(keyBytes, cluster.partitionCountForTopic(topic) ?? 1)
  }

  #ensureValidRecordSize(record: RecordInput & { readonly headers: readonly RecordHeader[] }): void {
    const { maxRequestSize, bufferPool } = this.#options
    const size = estimateSizeInBytesUpperBound(record)
    const larger = (what: string) =>
      new RecordTooLargeException(`The message is ${size} bytes when serialized which is larger than ${what}`)
    if (size > maxRequestSize) {
      throw larger(`${maxRequestSize}, which is the value of the max.request.size configuration.`)
    }
    if (size > bufferPool.totalMemory) {
      throw larger('the total memory buffer you have configured with the buffer.memory configuration.')
    }
  }

  #notPresent(topic: string, partition: number | undefined, count: number | undefined, code: number): KafkaError {
    const { maxBlockMs } = this.#options
    const message =
      count === undefined
        ? `Topic ${topic} not present in metadata after ${maxBlockMs} ms.`
        : `Partition ${partition} of topic ${topic} with partition count ${count} is not present in metadata after ${maxBlockMs} ms.`
    return new TimeoutException(message, code === ErrorCode.NONE ? {} : { cause: exceptionFor(code) })
  }

  #nowMs(): number {
    return clientTimeMs(this.#runtime)
  }
}

function has(count: number | undefined, partition: number | undefined): boolean {
  return count !== undefined && (partition === undefined || partition < count)
}
