import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import { MetadataImage } from '../../controller/image/metadata-image.ts'
import { KafkaScheduler } from '../../log/kafka-scheduler.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { SystemTimer } from '../../runtime/system-timer.ts'
import { CallbackTask } from './callback-task.ts'
import { CoordinatorContext, type CoordinatorContextOptions, type CoordinatorState } from './coordinator-context.ts'
import type { CoordinatorShard } from './coordinator-shard.ts'
import { CoordinatorWriteEvent, type CoordinatorWriteOperation } from './coordinator-write-event.ts'
import { MultiThreadedEventProcessor } from './multi-threaded-event-processor.ts'

export interface CoordinatorRuntimeOptions<S extends CoordinatorShard<R>, R> extends CoordinatorContextOptions<S, R> {
  /** Of its threads: `group-coordinator`. */
  readonly name: string
  readonly numThreads: number
  /** How long a timer's records may take to be committed. */
  readonly defaultWriteTimeoutMs: number
}

/** Reads a shard's state as of the last committed offset. May throw ApiError. */
export type CoordinatorReadOperation<S, T> = (shard: S, committedOffset: number) => T

/**
 * Runs a coordinator's shards, one for each partition of its topic that this broker leads (Kafka's CoordinatorRuntime).
 *
 * A write works on the newest state; its records are applied to it, appended to the partition, and its answer is given when
 * they are committed. What cannot be appended is undone. A read works on what is committed. The operations of one shard run
 * one after the other, on a few threads for all shards; the answers come on these threads.
 */
export class CoordinatorRuntime<S extends CoordinatorShard<R>, R> {
  readonly #runtime: Runtime
  readonly #options: CoordinatorRuntimeOptions<S, R>
  readonly #timer: SystemTimer
  readonly #processor: MultiThreadedEventProcessor
  /** For tasks that would hold up a shard's events; its one thread runs when there are some. */
  readonly #background: KafkaScheduler
  readonly #contexts = new Map<string, CoordinatorContext<S, R>>()
  #image: MetadataImage = MetadataImage.EMPTY
  #running = true

  /** Starts its threads. */
  constructor(runtime: Runtime, options: CoordinatorRuntimeOptions<S, R>) {
    this.#runtime = runtime
    this.#options = options
    this.#timer = new SystemTimer(runtime)
    this.#processor = new MultiThreadedEventProcessor(runtime, `${options.name}-event-processor`, options.numThreads)
    this.#background = new KafkaScheduler(runtime, 1)
  }

  /** What each shard is in, for inspection. */
  get states(): ReadonlyMap<string, CoordinatorState> {
    return new Map([...this.#contexts].map(([key, { state }]) => [key, state]))
  }

  /** The partitions whose shards are active. */
  get activeTopicPartitions(): readonly TopicPartition[] {
    return [...this.#contexts.values()].filter(({ state }) => state === 'ACTIVE').map(context => context.topicPartition)
  }

  /** The shards that are active, as they are now: to be looked at only. */
  get activeShards(): readonly S[] {
    return [...this.#contexts.values()].filter(({ state }) => state === 'ACTIVE').map(({ shard }) => shard)
  }

  /**
   * Runs a write and gives its answer once it is committed. Rejects with what the operation throws, NOT_COORDINATOR,
   * COORDINATOR_LOAD_IN_PROGRESS, REQUEST_TIMED_OUT after `timeoutMs` (the records may be committed all the same), and
   * ApiErrors of the append.
   */
  scheduleWriteOperation<T>(
    name: string,
    topicPartition: TopicPartition,
    timeoutMs: number,
    operation: CoordinatorWriteOperation<S, T, R>,
  ): Promise<T> {
    const key = partitionKey(topicPartition)
    const event = new CoordinatorWriteEvent<S, T, R>({
      name,
      key,
      timeoutMs,
      operation,
      context: () => this.#activeContext(key),
      after: (step, delayMs, task) => this.#after(step, key, delayMs, task),
    })
    try {
      this.#failIfClosed()
      this.#processor.enqueueLast(event)
    } catch (error) {
      return Promise.reject(error)
    }
    return event.done
  }

  /** Runs a write on each shard of this broker, as `scheduleWriteOperation` does. */
  scheduleWriteAllOperation<T>(
    name: string,
    timeoutMs: number,
    operation: CoordinatorWriteOperation<S, T, R>,
  ): Promise<T>[] {
    return [...this.#contexts.values()].map(({ topicPartition }) =>
      this.scheduleWriteOperation(name, topicPartition, timeoutMs, operation),
    )
  }

  /** Runs a read. Rejects with what it throws, NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS. */
  scheduleReadOperation<T>(topicPartition: TopicPartition, operation: CoordinatorReadOperation<S, T>): Promise<T> {
    const key = partitionKey(topicPartition)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const run = () => {
      const context = this.#activeContext(key)
      resolve(operation(context.shard, context.lastCommittedOffset))
    }
    try {
      this.#failIfClosed()
      this.#processor.enqueueLast({ key, run, complete: reject })
    } catch (error) {
      reject(error)
    }
    return promise
  }

  /** Runs a read on each shard of this broker. */
  scheduleReadAllOperation<T>(operation: CoordinatorReadOperation<S, T>): Promise<T>[] {
    return [...this.#contexts.values()].map(({ topicPartition }) =>
      this.scheduleReadOperation(topicPartition, operation),
    )
  }

  /** This broker leads the partition from `leaderEpoch` on: its log is read, and requests are refused as loading until then. */
  scheduleLoadOperation(topicPartition: TopicPartition, leaderEpoch: number): void {
    this.#failIfClosed()
    // At once, so that requests are told to wait.
    this.#contextOf(topicPartition)
    this.#scheduleInternal('load', partitionKey(topicPartition), () => {
      const context = this.#contextOf(topicPartition)
      if (context.epoch >= leaderEpoch) return
      context.epoch = leaderEpoch
      // An active one goes on: this broker has led the partition ever since.
      if (context.state === 'INITIAL' || context.state === 'FAILED') context.load()
    })
  }

  /**
   * Another broker leads the partition from `leaderEpoch` on; undefined: it was deleted, or moved away. Whoever waits is told
   * NOT_COORDINATOR.
   */
  scheduleUnloadOperation(topicPartition: TopicPartition, leaderEpoch: number | undefined): void {
    this.#failIfClosed()
    const key = partitionKey(topicPartition)
    if (!this.#contexts.has(key)) return
    this.#scheduleInternal('unload', key, () => {
      const context = this.#contexts.get(key)
      if (context === undefined || (leaderEpoch !== undefined && context.epoch >= leaderEpoch)) return
      try {
        context.close()
      } finally {
        this.#contexts.delete(key)
      }
    })
  }

  /** Tells all shards. */
  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    this.#failIfClosed()
    this.#image = image
    const { topicsDelta, clusterDelta, configsDelta, featuresDelta } = delta
    // Most updates of an idle cluster say nothing.
    if ((topicsDelta ?? clusterDelta ?? configsDelta ?? featuresDelta) === undefined) return
    for (const key of this.#contexts.keys()) {
      this.#scheduleInternal('metadata update', key, () => this.#contexts.get(key)?.onNewMetadataImage(image, delta))
    }
  }

  /** Ends threads and timers; whoever waits is told NOT_COORDINATOR. Idempotent. */
  async close(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    await this.#options.loader.close()
    this.#timer.close()
    await this.#background.shutdown()
    await this.#processor.close()
    for (const context of this.#contexts.values()) context.close()
    this.#contexts.clear()
  }

  #contextOf(topicPartition: TopicPartition): CoordinatorContext<S, R> {
    const key = partitionKey(topicPartition)
    let context = this.#contexts.get(key)
    if (context === undefined) {
      context = new CoordinatorContext(this.#runtime, topicPartition, this.#options, {
        timer: this.#timer,
        image: () => this.#image,
        schedule: (name, step, where) => this.#scheduleInternal(name, key, step, where),
        scheduleTimeout: (name, operation) =>
          this.scheduleWriteOperation(name, topicPartition, this.#options.defaultWriteTimeoutMs, operation),
        runInBackground: (name, body) => void this.#background.schedule(name, body, 0),
      })
      this.#contexts.set(key, context)
    }
    return context
  }

  #activeContext(key: string): CoordinatorContext<S, R> {
    const context = this.#contexts.get(key)
    if (context?.state === 'ACTIVE') return context
    throw new ApiError(
      context?.state === 'LOADING' ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS : ErrorCode.NOT_COORDINATOR,
    )
  }

  #scheduleInternal(
    name: string,
    key: string,
    run: () => Promise<void> | void,
    where: 'first' | 'last' = 'last',
  ): void {
    // Steps that a closed runtime would take are of no use to anyone.
    if (!this.#running) return
    const complete = (error: Error) => {
      if (!(error instanceof ApiError)) this.#options.onUnexpectedError(error, `${name} of ${key}`)
    }
    if (where === 'first') this.#processor.enqueueFirst({ key, run, complete })
    else this.#processor.enqueueLast({ key, run, complete })
  }

  #after(name: string, key: string, delayMs: number, task: () => void): CallbackTask {
    const timerTask = new CallbackTask(delayMs, () => this.#scheduleInternal(name, key, task))
    this.#timer.add(timerTask)
    return timerTask
  }

  #failIfClosed(): void {
    if (!this.#running) throw new ApiError(ErrorCode.NOT_COORDINATOR, 'the coordinator is shut down')
  }
}
