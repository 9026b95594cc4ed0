import type { MetadataDelta } from '../../controller/image/metadata-delta.ts'
import type { MetadataImage } from '../../controller/image/metadata-image.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { CompressionCodec } from '../../protocol/records/batch.ts'
import type { TopicPartition } from '../../protocol/topic-partition.ts'
import type { PartitionListener } from '../../replication/partition-listener.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { SystemTimer } from '../../runtime/system-timer.ts'
import { BackgroundCoordinatorExecutor } from './background-coordinator-executor.ts'
import { CallbackTask } from './callback-task.ts'
import { CoordinatorBatch } from './coordinator-batch.ts'
import type { CoordinatorLoader } from './coordinator-loader.ts'
import type { CoordinatorRecordSerde, SerializedRecord } from './coordinator-record-serde.ts'
import type { CoordinatorResult } from './coordinator-result.ts'
import type { CoordinatorShard, CoordinatorShardContext } from './coordinator-shard.ts'
import { type DeferredEvent, DeferredEventQueue } from './deferred-event-queue.ts'
import { EventBasedCoordinatorTimer, type ScheduleTimeout } from './event-based-coordinator-timer.ts'
import type { PartitionWriter } from './partition-writer.ts'
import { SnapshotRegistry } from './snapshot-registry.ts'
import { SnapshottableCoordinator } from './snapshottable-coordinator.ts'

/**
 * What a shard is in: not begun, its log being read, at work, not here any more, or its log could not be read. Only an active
 * one answers.
 */
export type CoordinatorState = 'INITIAL' | 'LOADING' | 'ACTIVE' | 'CLOSED' | 'FAILED'

const BEFORE: Readonly<Record<CoordinatorState, readonly CoordinatorState[]>> = {
  INITIAL: [],
  LOADING: ['INITIAL', 'FAILED'],
  ACTIVE: ['LOADING'],
  CLOSED: ['INITIAL', 'LOADING', 'ACTIVE', 'CLOSED', 'FAILED'],
  FAILED: ['LOADING', 'ACTIVE'],
}

/** What all shards of a runtime share. */
export interface CoordinatorContextOptions<S extends CoordinatorShard<R>, R> {
  readonly partitionWriter: PartitionWriter
  readonly loader: Pick<CoordinatorLoader<R>, 'load' | 'close'>
  readonly serde: CoordinatorRecordSerde<R>
  readonly createShard: (context: CoordinatorShardContext<R>) => S
  /** How long records wait for more to be written with; −1: until the shard has done all events that wait now. */
  readonly appendLingerMs: number
  readonly compression: CompressionCodec
  readonly onUnexpectedError: (error: unknown, where: string) => void
}

/** What a shard asks of the runtime that it is in. */
export interface CoordinatorContextLinks<R> {
  readonly timer: SystemTimer
  readonly image: () => MetadataImage
  /** Runs a step of the shard after its events that wait, or before them. */
  readonly schedule: (name: string, step: () => Promise<void> | void, where: 'first' | 'last') => void
  readonly scheduleTimeout: ScheduleTimeout<R>
  /** Runs a body on a thread that all shards share, after those that wait already. */
  readonly runInBackground: (name: string, body: () => Promise<void>) => void
}

/**
 * A shard with its log, as one partition's coordinator on this broker (Kafka's CoordinatorContext). All methods are called on
 * the shard's turn, so that none overlaps another.
 */
export class CoordinatorContext<S extends CoordinatorShard<R>, R> implements PartitionListener {
  readonly topicPartition: TopicPartition
  /** The leader epoch of the partition; −1 before. */
  epoch = -1
  readonly #runtime: Runtime
  readonly #options: CoordinatorContextOptions<S, R>
  readonly #links: CoordinatorContextLinks<R>
  readonly #timer: EventBasedCoordinatorTimer<R>
  readonly #executor: BackgroundCoordinatorExecutor<R>
  readonly #deferredEvents = new DeferredEventQueue()
  #state: CoordinatorState = 'INITIAL'
  #coordinator: SnapshottableCoordinator<S, R> | undefined
  #batch: CoordinatorBatch | undefined
  #lingerTask: CallbackTask | undefined
  /** The newest high watermark that no event has seen yet. */
  #highWatermark: number | undefined

  constructor(
    runtime: Runtime,
    topicPartition: TopicPartition,
    options: CoordinatorContextOptions<S, R>,
    links: CoordinatorContextLinks<R>,
  ) {
    this.#runtime = runtime
    this.topicPartition = topicPartition
    this.#options = options
    this.#links = links
    this.#timer = new EventBasedCoordinatorTimer(links.timer, links.scheduleTimeout, options.onUnexpectedError)
    this.#executor = new BackgroundCoordinatorExecutor({
      runInBackground: links.runInBackground,
      scheduleWrite: links.scheduleTimeout,
      onUnexpectedError: options.onUnexpectedError,
    })
  }

  get state(): CoordinatorState {
    return this.#state
  }

  /** The state machine of an active shard. Throws NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS. */
  get shard(): S {
    return this.#active.shard
  }

  /** The offset up to which an active shard's state is committed. */
  get lastCommittedOffset(): number {
    return this.#active.lastCommittedOffset
  }

  get lastWrittenOffset(): number {
    return this.#active.lastWrittenOffset
  }

  /** Reads the log from its begin; the shard is active when that is done. */
  load(): void {
    this.#transition('LOADING')
    const snapshotRegistry = new SnapshotRegistry()
    const shard = this.#options.createShard({
      topicPartition: this.topicPartition,
      snapshotRegistry,
      timer: this.#timer,
      executor: this.#executor,
    })
    const coordinator = new SnapshottableCoordinator<S, R>(snapshotRegistry, shard)
    this.#coordinator = coordinator
    const loaded = (error: unknown) => {
      this.#links.schedule('complete load', () => this.#completeLoad(coordinator, error), 'last')
    }
    this.#options.loader.load(this.topicPartition, coordinator).then(() => loaded(undefined), loaded)
  }

  /** Gives everything up: whoever waits is told NOT_COORDINATOR. */
  close(): void {
    this.#transition('CLOSED')
    this.#unload()
  }

  onNewMetadataImage(image: MetadataImage, delta: MetadataDelta): void {
    if (this.#state === 'ACTIVE') this.shard.onNewMetadataImage(image, delta)
  }

  /** May be called at any time. */
  onHighWatermarkUpdated(_topicPartition: TopicPartition, highWatermark: number): void {
    const isScheduled = this.#highWatermark !== undefined
    this.#highWatermark = highWatermark
    if (isScheduled) return
    this.#links.schedule('high watermark update', () => this.#applyHighWatermark(), 'first')
  }

  /**
   * Applies the records of a result and puts them into the current batch. `event` is completed when they are committed; when
   * there are none, when everything is that the answer may rest on. Rejects when a batch could not be written.
   */
  async append<T>(result: CoordinatorResult<T, R>, event: DeferredEvent): Promise<void> {
    const coordinator = this.#active
    if (result.records.length === 0) {
      this.#waitForPendingWrites(coordinator, event)
      return
    }
    const { serde, appendLingerMs } = this.#options
    const serialized = result.records.map(record => serde.serialize(record))
    const nowMs = this.#runtime.clock.monotonicMs()
    if (result.isAtomic !== false) await this.#makeRoom(serialized)
    for (const [index, record] of result.records.entries()) {
      const bytes = serialized[index]
      if (bytes === undefined) throw new RangeError(`record ${index} was not serialized`)
      if (result.isAtomic === false) await this.#makeRoom([bytes])
      const batch = this.#currentBatch()
      try {
        if (result.replayRecords !== false) coordinator.replay(batch.nextOffset, record)
        batch.append(bytes)
      } catch (error) {
        // A fault of this code: what the batch has done so far is undone with it.
        batch.addEvent(event)
        this.#failCurrentBatch(error instanceof Error ? error : new Error(String(error)))
        return
      }
    }
    const batch = this.#currentBatch()
    batch.addEvent(event)
    const hasLingered = appendLingerMs >= 0 && nowMs - batch.startMs >= appendLingerMs
    if (hasLingered || batch.isFull) await this.#flushCurrentBatch()
  }

  get #active(): SnapshottableCoordinator<S, R> {
    if (this.#state === 'LOADING') throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    if (this.#state !== 'ACTIVE' || this.#coordinator === undefined) throw new ApiError(ErrorCode.NOT_COORDINATOR)
    return this.#coordinator
  }

  #transition(to: CoordinatorState): void {
    if (!BEFORE[to].includes(this.#state)) throw new Error(`a coordinator cannot go from ${this.#state} to ${to}`)
    this.#state = to
  }

  #completeLoad(coordinator: SnapshottableCoordinator<S, R>, error: unknown): void {
    // It may have been unloaded since.
    if (this.#state !== 'LOADING') return
    if (error === undefined) {
      this.#transition('ACTIVE')
      const { partitionWriter } = this.#options
      const highWatermark = partitionWriter.registerListener(this.topicPartition, this)
      if (highWatermark !== undefined) this.#commit(coordinator, highWatermark)
      coordinator.shard.onLoaded(this.#links.image())
      return
    }
    this.#fail()
    // One that was resigned meanwhile is nothing unusual.
    if (!(error instanceof ApiError)) {
      this.#options.onUnexpectedError(error, `load of ${this.topicPartition.topic}-${this.topicPartition.partition}`)
    }
  }

  #fail(): void {
    this.#transition('FAILED')
    this.#unload()
  }

  #unload(): void {
    this.#options.partitionWriter.deregisterListener(this.topicPartition, this)
    this.#highWatermark = undefined
    this.#timer.cancelAll()
    this.#executor.cancelAll()
    const error = new ApiError(ErrorCode.NOT_COORDINATOR)
    this.#deferredEvents.failAll(error)
    this.#failCurrentBatch(error)
    const coordinator = this.#coordinator
    this.#coordinator = undefined
    coordinator?.shard.onUnloaded()
  }

  #applyHighWatermark(): void {
    const highWatermark = this.#highWatermark
    this.#highWatermark = undefined
    if (highWatermark === undefined || this.#state !== 'ACTIVE' || this.#coordinator === undefined) return
    this.#commit(this.#coordinator, highWatermark)
  }

  #commit(coordinator: SnapshottableCoordinator<S, R>, highWatermark: number): void {
    if (highWatermark <= coordinator.lastCommittedOffset) return
    coordinator.updateLastCommittedOffset(highWatermark)
    this.#deferredEvents.completeUpTo(highWatermark)
  }

  /** An answer may rest on what is not committed yet. */
  #waitForPendingWrites(coordinator: SnapshottableCoordinator<S, R>, event: DeferredEvent): void {
    if (this.#batch !== undefined) this.#batch.addEvent(event)
    else if (coordinator.lastCommittedOffset < coordinator.lastWrittenOffset) {
      this.#deferredEvents.add(coordinator.lastWrittenOffset, [event])
    } else event.complete(undefined)
  }

  /** Writes what waits when these do not fit beside it. */
  async #makeRoom(records: readonly SerializedRecord[]): Promise<void> {
    if (this.#batch !== undefined && !this.#batch.hasRoomFor(records)) await this.#flushCurrentBatch()
  }

  #currentBatch(): CoordinatorBatch {
    if (this.#batch !== undefined) return this.#batch
    const { partitionWriter, compression, appendLingerMs } = this.#options
    const { clock } = this.#runtime
    const batch = new CoordinatorBatch({
      baseOffset: this.#active.lastWrittenOffset,
      startMs: clock.monotonicMs(),
      timestamp: clock.wallMs(),
      maxMessageBytes: partitionWriter.maxMessageBytes(this.topicPartition),
      compression,
    })
    const flush = () => (this.#batch === batch ? this.#flushCurrentBatch() : undefined)
    if (appendLingerMs < 0) this.#links.schedule('flush batch', flush, 'last')
    else if (appendLingerMs > 0) {
      this.#lingerTask = new CallbackTask(appendLingerMs, () => this.#links.schedule('flush batch', flush, 'first'))
      this.#links.timer.add(this.#lingerTask)
    }
    this.#batch = batch
    return batch
  }

  async #flushCurrentBatch(): Promise<void> {
    const batch = this.#batch
    if (batch === undefined) return
    const coordinator = this.#active
    let offset: number
    try {
      offset = await this.#options.partitionWriter.append(this.topicPartition, batch.build(), batch.recordCount)
    } catch (error) {
      this.#failCurrentBatch(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
    if (offset !== batch.nextOffset) {
      // The state is not what the log says: it is read anew. What was written counts then, but nobody is told so now.
      this.#fail()
      this.load()
      throw new ApiError(ErrorCode.NOT_COORDINATOR)
    }
    coordinator.updateLastWrittenOffset(offset)
    this.#deferredEvents.add(offset, batch.events)
    this.#freeCurrentBatch()
  }

  #failCurrentBatch(error: Error): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#coordinator?.revertLastWrittenOffset(batch.baseOffset)
    this.#freeCurrentBatch()
    for (const event of batch.events) event.complete(error)
  }

  #freeCurrentBatch(): void {
    this.#lingerTask?.cancel()
    this.#lingerTask = undefined
    this.#batch = undefined
  }
}
