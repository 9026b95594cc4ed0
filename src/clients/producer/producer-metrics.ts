import type { Runtime } from '../../runtime/runtime.ts'
import { ClientMetrics, type StatKind } from '../client-metrics.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { ProducerBatch } from './producer-batch.ts'

const GROUP = 'producer-metrics'
const TOPIC_GROUP = 'producer-topic-metrics'
const NS_PER_MS = 1_000_000

type Recorder = (value: number) => void

interface TopicMetrics {
  readonly records: Recorder
  readonly bytes: Recorder
  readonly compression: Recorder
  readonly retries: Recorder
  readonly errors: Recorder
}

/** A producer's metrics (Kafka's SenderMetricsRegistry, KafkaProducerMetrics, and those of BufferPool). */
export class ProducerMetrics {
  readonly registry: ClientMetrics
  readonly #tags: { readonly 'client-id': string }
  /** By topic; as many as were sent to. */
  readonly #topics = new Map<string, TopicMetrics>()
  readonly #batchSize: Recorder
  readonly #compression: Recorder
  readonly #queueTime: Recorder
  readonly #requestLatency: Recorder
  readonly #recordsPerRequest: Recorder
  readonly #retries: Recorder
  readonly #errors: Recorder
  readonly #recordSize: Recorder
  readonly #splits: Recorder
  readonly #bufferWait: Recorder
  readonly #bufferExhausted: Recorder
  readonly #flushTime: Recorder
  readonly #metadataWait: Recorder

  constructor(runtime: Runtime, clientId: string) {
    this.registry = new ClientMetrics(runtime)
    this.#tags = { 'client-id': clientId }
    this.#batchSize = this.#of(['avg', 'batch-size-avg'], ['max', 'batch-size-max'])
    this.#compression = this.#of(['avg', 'compression-rate-avg'])
    this.#queueTime = this.#of(['avg', 'record-queue-time-avg'], ['max', 'record-queue-time-max'])
    this.#requestLatency = this.#of(['avg', 'request-latency-avg'], ['max', 'request-latency-max'])
    this.#recordsPerRequest = this.#of(
      ['rate', 'record-send-rate'],
      ['total', 'record-send-total'],
      ['avg', 'records-per-request-avg'],
    )
    this.#retries = this.#of(['rate', 'record-retry-rate'], ['total', 'record-retry-total'])
    this.#errors = this.#of(['rate', 'record-error-rate'], ['total', 'record-error-total'])
    this.#recordSize = this.#of(['avg', 'record-size-avg'], ['max', 'record-size-max'])
    this.#splits = this.#of(['event-rate', 'batch-split-rate'], ['event-total', 'batch-split-total'])
    this.#bufferWait = this.#of(['total', 'bufferpool-wait-time-ns-total'])
    this.#bufferExhausted = this.#of(['event-rate', 'buffer-exhausted-rate'], ['event-total', 'buffer-exhausted-total'])
    this.#flushTime = this.#of(['total', 'flush-time-ns-total'])
    this.#metadataWait = this.#of(['total', 'metadata-wait-time-ns-total'])
  }

  /** Metrics that are asked for when somebody looks. @param metadataUpdatedMs on the monotonic clock */
  register(pool: BufferPool, inFlightRequests: () => number, metadataUpdatedMs: () => number): void {
    this.#gauge('waiting-threads', () => pool.queued)
    this.#gauge('buffer-total-bytes', () => pool.totalMemory)
    this.#gauge('buffer-available-bytes', () => pool.availableMemory)
    this.#gauge('requests-in-flight', inFlightRequests)
    this.#gauge('metadata-age', nowMs => (nowMs - metadataUpdatedMs()) / 1000)
  }

  /** Batches go out, those of one request in one list. */
  recordProduceRequests(requests: readonly (readonly ProducerBatch[])[]): void {
    for (const batches of requests) {
      if (batches.length === 0) continue
      for (const batch of batches) this.#recordBatch(batch)
      this.#recordsPerRequest(batches.reduce((sum, { recordCount }) => sum + recordCount, 0))
    }
  }

  recordRetries(topic: string, records: number): void {
    this.#retries(records)
    this.#topics.get(topic)?.retries(records)
  }

  recordErrors(topic: string, records: number): void {
    this.#errors(records)
    this.#topics.get(topic)?.errors(records)
  }

  /** A record has failed before it was part of any batch. */
  recordSendError(): void {
    this.#errors(1)
  }

  recordLatency(latencyMs: number): void {
    this.#requestLatency(latencyMs)
  }

  recordBatchSplit(): void {
    this.#splits(1)
  }

  recordBufferWait(waitedMs: number): void {
    this.#bufferWait(Math.round(waitedMs * NS_PER_MS))
  }

  recordBufferExhausted(): void {
    this.#bufferExhausted(1)
  }

  recordFlush(durationMs: number): void {
    this.#flushTime(Math.round(durationMs * NS_PER_MS))
  }

  recordMetadataWait(durationMs: number): void {
    this.#metadataWait(Math.round(durationMs * NS_PER_MS))
  }

  #recordBatch(batch: ProducerBatch): void {
    const topic = this.#topic(batch.topicPartition.topic)
    topic.records(batch.recordCount)
    topic.bytes(batch.estimatedSizeInBytes)
    topic.compression(batch.compressionRatio)
    this.#batchSize(batch.estimatedSizeInBytes)
    this.#queueTime(batch.queueTimeMs)
    this.#compression(batch.compressionRatio)
    this.#recordSize(batch.maxRecordSize)
  }

  #topic(topic: string): TopicMetrics {
    const found = this.#topics.get(topic)
    if (found !== undefined) return found
    const of = (...stats: readonly (readonly [StatKind, string])[]) =>
      this.#all(TOPIC_GROUP, { ...this.#tags, topic }, stats)
    const metrics: TopicMetrics = {
      records: of(['rate', 'record-send-rate'], ['total', 'record-send-total']),
      bytes: of(['rate', 'byte-rate'], ['total', 'byte-total']),
      compression: of(['avg', 'compression-rate']),
      retries: of(['rate', 'record-retry-rate'], ['total', 'record-retry-total']),
      errors: of(['rate', 'record-error-rate'], ['total', 'record-error-total']),
    }
    this.#topics.set(topic, metrics)
    return metrics
  }

  #gauge(name: string, measure: (nowMs: number) => number): void {
    this.registry.gauge(name, GROUP, this.#tags, measure)
  }

  #of(...stats: readonly (readonly [StatKind, string])[]): Recorder {
    return this.#all(GROUP, this.#tags, stats)
  }

  #all(
    group: string,
    tags: Readonly<Record<string, string>>,
    stats: readonly (readonly [StatKind, string])[],
  ): Recorder {
    const recorders = stats.map(([kind, name]) => this.registry.stat(kind, name, group, tags))
    return value => {
      for (const record of recorders) record(value)
    }
  }
}
