import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { ConfigValues } from '../abstract-config.ts'
import type { KafkaMetric } from '../client-metrics.ts'
import { kafkaClientOptions } from '../client-options.ts'
import { clientTimeMs } from '../client-time.ts'
import { ApiException, IllegalArgumentException, IllegalStateException, KafkaError } from '../errors.ts'
import { Interceptors } from '../interceptors.ts'
import { KafkaClient } from '../kafka-client.ts'
import type { PartitionInfo } from '../metadata-snapshot.ts'
import type { Serializer } from '../serialization.ts'
import { BlockedSends } from './blocked-sends.ts'
import { BufferPool } from './buffer-pool.ts'
import { type FutureRecordMetadata, unknownMetadata } from './future-record-metadata.ts'
import { ProducerConfig } from './producer-config.ts'
import { ProducerMetadata } from './producer-metadata.ts'
import { ProducerMetrics } from './producer-metrics.ts'
import type { Callback, Partitioner, ProducerInterceptor, ProducerRecord, RecordMetadata } from './producer-record.ts'
import { RecordAccumulator } from './record-accumulator.ts'
import { RecordAppend, type RecordToAppend, type Wait } from './record-append.ts'
import { RoundRobinPartitioner } from './round-robin-partitioner.ts'
import { Sender } from './sender.ts'
import { TransactionManager } from './transaction-manager.ts'

export interface ProducerOptions<K, V> {
  readonly keySerializer: Serializer<K>
  readonly valueSerializer: Serializer<V>
  /** Instead of the built-in one, and of `partitioner.class`. */
  readonly partitioner?: Partitioner<K, V>
  readonly interceptors?: readonly ProducerInterceptor<K, V>[]
  /** Told what the Java client would log: unknown keys, what callbacks and interceptors threw. Default: nobody is. */
  readonly onWarning?: (message: string) => void
}

/** Producers without a `client.id`, by the process they run in. */
const clientIds = new WeakMap<Runtime, number>()

/**
 * A producer with the semantics of the Java client (org.apache.kafka.clients.producer.KafkaProducer): keys, defaults, batches,
 * retries, idempotence, order and errors are Kafka's. Transactions are not supported.
 *
 * @example
 * const producer = new KafkaProducer(runtime, { 'bootstrap.servers': 'localhost:9092' }, {
 *   keySerializer: stringSerde,
 *   valueSerializer: stringSerde,
 * })
 * const { offset } = await producer.send({ topic: 'orders', key: 'k', value: 'v' })
 * await producer.close()
 */
export class KafkaProducer<K, V> {
  readonly clientId: string
  readonly #runtime: Runtime
  readonly #options: ProducerOptions<K, V>
  readonly #interceptors: Interceptors<ProducerInterceptor<K, V>>
  readonly #partitioner: Partitioner<K, V> | undefined
  readonly #metrics: ProducerMetrics
  readonly #accumulator: RecordAccumulator
  readonly #transactionManager: TransactionManager | undefined
  readonly #append: RecordAppend<K, V>
  readonly #blocked: BlockedSends
  readonly #sender: Sender
  readonly #senderEnded: Condition
  #senderAlive = true
  #closing = false
  #closed = false

  /**
   * Starts the producer: its thread begins at once to look for the brokers.
   *
   * @param config values by Kafka's keys; `bootstrap.servers` is needed
   * @throws ConfigException for a value that is not allowed, or that contradicts another
   */
  constructor(runtime: Runtime, config: ConfigValues, options: ProducerOptions<K, V>) {
    const onWarning = options.onWarning ?? (() => {})
    const parsed = new ProducerConfig(config, onWarning)
    this.#runtime = runtime
    this.#options = options
    this.clientId = parsed.isExplicit('client.id') ? parsed.getString('client.id') : nextClientId(runtime)
    this.#interceptors = new Interceptors(options.interceptors ?? [], onWarning)
    this.#partitioner =
      options.partitioner ?? (parsed.get('partitioner.class') === null ? undefined : new RoundRobinPartitioner())
    this.#metrics = new ProducerMetrics(runtime, this.clientId)
    this.#transactionManager = parsed.idempotent ? new TransactionManager() : undefined
    this.#blocked = new BlockedSends(runtime)
    this.#senderEnded = new Condition(runtime, 'KafkaProducer.close')
    const metadata = this.#createMetadata(parsed)
    const bufferPool = new BufferPool(runtime, parsed.getNumber('buffer.memory'), {
      onWaited: waitedMs => this.#metrics.recordBufferWait(waitedMs),
      onExhausted: () => this.#metrics.recordBufferExhausted(),
    })
    this.#accumulator = this.#createAccumulator(parsed, bufferPool)
    const client = new KafkaClient(runtime, {
      ...kafkaClientOptions(parsed),
      clientId: this.clientId,
      metadata,
      maxInFlightRequestsPerConnection: parsed.getNumber('max.in.flight.requests.per.connection'),
    })
    this.#metrics.register(
      bufferPool,
      () => client.inFlightRequestCount(),
      () => metadata.lastSuccessfulUpdateMs,
    )
    this.#sender = this.#createSender(parsed, client, metadata, onWarning)
    this.#append = this.#createAppend(parsed, metadata, bufferPool)
    this.#startSender()
  }

  /**
   * Sends a record. What Kafka's `send` blocks for, metadata of the topic and memory, is waited for here, up to
   * `max.block.ms`; sends to one topic keep the order of their calls, awaited or not. Most often the record is in its batch
   * when the call returns.
   *
   * @param callback told once, unless an error that is no `ApiException` kept the record from being appended
   * @returns where the record is, when it is acknowledged as `acks` asks. Nobody needs to look: a rejection that is not
   * handled is none for the host.
   * @throws IllegalStateException after `close`
   * @throws TimeoutException when it took longer than `max.block.ms` or `delivery.timeout.ms`; in the second case the record
   * may have been written
   * @throws BufferExhaustedException when `buffer.memory` was full for too long, or 100,000 sends wait already
   * @throws RecordTooLargeException, SerializationException, InvalidTopicException, AuthorizationException
   * @throws KafkaError any other error of the broker, or the closing of the producer
   */
  send(record: ProducerRecord<K, V>, callback?: Callback): Promise<RecordMetadata> {
    const sent = this.#send(record, callback)
    sent.catch(() => {})
    return sent
  }

  /** Sends everything that was given so far without lingering, and waits until each of it is acknowledged or has failed. */
  async flush(): Promise<void> {
    const startMs = clientTimeMs(this.#runtime)
    this.#accumulator.beginFlush()
    this.#sender.wakeup()
    await this.#blocked.awaitAll(Number.POSITIVE_INFINITY)
    this.#sender.wakeup()
    await this.#accumulator.awaitFlushCompletion()
    this.#metrics.recordFlush(clientTimeMs(this.#runtime) - startMs)
  }

  /**
   * The partitions of a topic, waited for up to `max.block.ms`.
   *
   * @throws IllegalStateException after `close`; TimeoutException, InvalidTopicException, TopicAuthorizationException
   */
  async partitionsFor(topic: string): Promise<PartitionInfo[]> {
    this.#ensureOpen()
    const steps = this.#append.clusterWith(topic, undefined, clientTimeMs(this.#runtime))
    const cluster = await drive(steps, steps.next())
    return cluster.partitionsForTopic(topic)
  }

  /** The producer's metrics by the Java client's names. */
  metrics(): KafkaMetric[] {
    return this.#metrics.registry.all()
  }

  /** The first metric of that name and with at least those tags. */
  metric(name: string, tags: Readonly<Record<string, string>> = {}): number | undefined {
    return this.#metrics.registry.value(name, undefined, tags)
  }

  /**
   * Takes no more records, waits until what was sent is acknowledged or has failed, and lets everything go. Idempotent.
   *
   * @param timeoutMs after which what is left fails; 0: at once
   * @throws IllegalArgumentException for a negative timeout
   */
  async close(timeoutMs: number = Number.POSITIVE_INFINITY): Promise<void> {
    if (!(timeoutMs >= 0)) throw new IllegalArgumentException(`The timeout cannot be negative: ${timeoutMs}`)
    this.#closing = true
    const startMs = clientTimeMs(this.#runtime)
    const remainingMs = () => timeoutMs - (clientTimeMs(this.#runtime) - startMs)
    if (timeoutMs > 0) {
      await this.#blocked.awaitAll(timeoutMs)
      this.#sender.initiateClose()
      while (this.#senderAlive && remainingMs() > 0) {
        await this.#senderEnded.wait(Number.isFinite(timeoutMs) ? remainingMs() : undefined)
      }
    }
    if (this.#senderAlive) this.#sender.forceClose()
    while (this.#senderAlive) await this.#senderEnded.wait()
    if (this.#closed) return
    this.#closed = true
    this.#interceptors.close()
    this.#options.keySerializer.close?.()
    this.#options.valueSerializer.close?.()
    this.#partitioner?.close?.()
  }

  async #send(given: ProducerRecord<K, V>, callback: Callback | undefined): Promise<RecordMetadata> {
    const record = this.#interceptors.transform('onSend', given, (interceptor, current) =>
      interceptor.onSend === undefined ? current : interceptor.onSend(current),
    )
    const { topic } = record
    const headers = record.headers ?? []
    let partition = record.partition
    const onCompletion = (metadata: RecordMetadata, error: Error | undefined) => {
      this.#interceptors.notify('onAcknowledgement', interceptor =>
        interceptor.onAcknowledgement?.(metadata, error, headers),
      )
      callback?.(metadata, error)
    }
    const setPartition = (chosen: number) => {
      partition = chosen
    }
    let future: FutureRecordMetadata
    try {
      this.#ensureOpen()
      checkRecord(record)
      const startMs = clientTimeMs(this.#runtime)
      const appended = this.#appendInOrder({ record, startMs, headers, setPartition, onCompletion })
      future = appended instanceof Promise ? await appended : appended
      this.#maybeFailWithError()
    } catch (error) {
      this.#sendFailed(unknownMetadata(topic, partition), error, headers, callback)
      throw error
    }
    return future.get()
  }

  /** Appends at once if nothing must be waited for, else when all earlier sends to the topic are through. */
  #appendInOrder(send: RecordToAppend<K, V>): FutureRecordMetadata | Promise<FutureRecordMetadata> {
    const steps = this.#append.steps(send)
    const { topic } = send.record
    if (!this.#blocked.isIdle(topic)) return this.#blocked.run(topic, () => drive(steps, steps.next()))
    const first = steps.next()
    return first.done === true ? first.value : this.#blocked.run(topic, () => drive(steps, first))
  }

  /** What keeps a record from being appended: interceptors hear of it always, the callback when Kafka tells it so. */
  #sendFailed(
    metadata: RecordMetadata,
    error: unknown,
    headers: RecordToAppend<K, V>['headers'],
    callback?: Callback,
  ): void {
    const asError = error instanceof Error ? error : new KafkaError(String(error))
    if (asError instanceof KafkaError) this.#metrics.recordSendError()
    if (asError instanceof ApiException) {
      this.#transactionManager?.maybeTransitionToErrorState(asError)
      this.#guarded(() => callback?.(metadata, asError))
    }
    this.#interceptors.notify('onAcknowledgement', interceptor =>
      interceptor.onAcknowledgement?.(metadata, asError, headers),
    )
  }

  /** In this state what was appended fails by the sender, which has told its callback. */
  #maybeFailWithError(): void {
    const { lastError, hasFatalError } = this.#transactionManager ?? {}
    if (hasFatalError === true) {
      throw new KafkaError('Cannot execute transactional method because we are in an error state', { cause: lastError })
    }
  }

  #ensureOpen(): void {
    if (this.#closing || !this.#sender.running) {
      throw new IllegalStateException('Cannot perform operation after producer has been closed')
    }
  }

  #guarded(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#callbackFailed(error)
    }
  }

  #callbackFailed(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#options.onWarning?.(`Error executing user-provided callback: ${text}`)
  }

  #startSender(): void {
    this.#runtime.threads.start(`kafka-producer-network-thread | ${this.clientId}`, async () => {
      try {
        await this.#sender.run()
      } finally {
        this.#senderAlive = false
        this.#senderEnded.signalAll()
      }
    })
  }

  #createMetadata(config: ProducerConfig): ProducerMetadata {
    const metadata = new ProducerMetadata(this.#runtime, {
      retryBackoffMs: config.getNumber('retry.backoff.ms'),
      retryBackoffMaxMs: config.getNumber('retry.backoff.max.ms'),
      metadataMaxAgeMs: config.getNumber('metadata.max.age.ms'),
      metadataMaxIdleMs: config.getNumber('metadata.max.idle.ms'),
      random: this.#runtime.random.stream(`ProducerMetadata ${this.clientId}`),
    })
    metadata.bootstrap(config.bootstrapServers)
    return metadata
  }

  #createAccumulator(config: ProducerConfig, bufferPool: BufferPool): RecordAccumulator {
    return new RecordAccumulator(this.#runtime, {
      clientId: this.clientId,
      batchSize: config.batchSize,
      compression: config.compression,
      lingerMs: config.lingerMs,
      retryBackoffMs: config.getNumber('retry.backoff.ms'),
      retryBackoffMaxMs: config.getNumber('retry.backoff.max.ms'),
      deliveryTimeoutMs: config.deliveryTimeoutMs,
      adaptivePartitioning:
        this.#partitioner === undefined && config.getBoolean('partitioner.adaptive.partitioning.enable'),
      partitionAvailabilityTimeoutMs: config.getNumber('partitioner.availability.timeout.ms'),
      transactionManager: this.#transactionManager,
      bufferPool,
      onCallbackError: error => this.#callbackFailed(error),
    })
  }

  #createSender(
    config: ProducerConfig,
    client: KafkaClient,
    metadata: ProducerMetadata,
    onWarning: (message: string) => void,
  ): Sender {
    return new Sender(this.#runtime, {
      client,
      metadata,
      accumulator: this.#accumulator,
      metrics: this.#metrics,
      transactionManager: this.#transactionManager,
      guaranteeMessageOrder: config.getNumber('max.in.flight.requests.per.connection') === 1,
      maxRequestSize: config.getNumber('max.request.size'),
      acks: config.acks,
      retries: config.getNumber('retries'),
      requestTimeoutMs: config.getNumber('request.timeout.ms'),
      retryBackoffMs: config.getNumber('retry.backoff.ms'),
      compression: config.compression,
      onWarning,
    })
  }

  #createAppend(config: ProducerConfig, metadata: ProducerMetadata, bufferPool: BufferPool): RecordAppend<K, V> {
    return new RecordAppend(this.#runtime, {
      metadata,
      accumulator: this.#accumulator,
      bufferPool,
      metrics: this.#metrics,
      keySerializer: this.#options.keySerializer,
      valueSerializer: this.#options.valueSerializer,
      partitioner: this.#partitioner,
      partitionerIgnoreKeys: config.getBoolean('partitioner.ignore.keys'),
      maxRequestSize: config.getNumber('max.request.size'),
      maxBlockMs: config.getNumber('max.block.ms'),
      wakeup: () => this.#sender.wakeup(),
    })
  }
}

/** Goes on from a step, waiting for what each asks for, to the result. */
async function drive<T>(steps: Generator<Wait, T, void>, first: IteratorResult<Wait, T>): Promise<T> {
  let step = first
  while (step.done !== true) {
    const failure = await step.value().then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    step = failure === undefined ? steps.next() : steps.throw(failure.error)
  }
  return step.value
}

function checkRecord({ topic, partition, timestamp }: ProducerRecord<unknown, unknown>): void {
  if (typeof topic !== 'string') throw new IllegalArgumentException('Topic cannot be null.')
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0)) {
    throw new IllegalArgumentException(
      `Invalid partition: ${partition}. Partition number should always be non-negative or undefined.`,
    )
  }
  if (timestamp !== undefined && !(Number.isSafeInteger(timestamp) && timestamp >= 0)) {
    throw new IllegalArgumentException(
      `Invalid timestamp: ${timestamp}. Timestamp should always be non-negative or undefined.`,
    )
  }
}

function nextClientId(runtime: Runtime): string {
  const next = (clientIds.get(runtime) ?? 0) + 1
  clientIds.set(runtime, next)
  return `producer-${next}`
}
