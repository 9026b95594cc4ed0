import { KafkaScheduler } from '../../log/kafka-scheduler.ts'
import type { UnifiedLog } from '../../log/unified-log.ts'
import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import { batches, type RecordBatchView } from '../../protocol/records/batch.ts'
import { partitionKey, type TopicPartition } from '../../protocol/topic-partition.ts'
import type { ReplicaManager } from '../../replication/replica-manager.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { type CoordinatorRecordSerde, UnknownRecordTypeError } from './coordinator-record-serde.ts'
import type { CoordinatorPlayback } from './snapshottable-coordinator.ts'

/** Offsets after which what was read is made committed, so that no differences to an empty state heap up. */
const COMMIT_INTERVAL_OFFSETS = 16_384

export interface CoordinatorLoaderOptions<R> {
  /** The loading thread's. */
  readonly name: string
  readonly replicaManager: ReplicaManager
  readonly serde: CoordinatorRecordSerde<R>
  /** Bytes that are read from the log at once; a larger batch is read whole all the same. */
  readonly loadBufferSize: number
}

/** A record of the log that cannot be read or applied. */
export class CoordinatorLoadError extends Error {
  override readonly name = 'CoordinatorLoadError'
}

/**
 * Reads a shard's log from its begin to its end, not only to the high watermark, and applies it (Kafka's
 * CoordinatorLoaderImpl). One log after the other.
 */
export class CoordinatorLoader<R> {
  readonly #options: CoordinatorLoaderOptions<R>
  readonly #scheduler: KafkaScheduler
  #running = true

  constructor(runtime: Runtime, options: CoordinatorLoaderOptions<R>) {
    this.#options = options
    this.#scheduler = new KafkaScheduler(runtime, 1)
  }

  /**
   * Rejects with NOT_LEADER_OR_FOLLOWER when this broker does not lead the partition, or no longer when all is read; with
   * KAFKA_STORAGE_ERROR and `CoordinatorLoadError`. Never settles once closed.
   */
  load(topicPartition: TopicPartition, coordinator: CoordinatorPlayback<R>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#scheduler.schedule(this.#options.name, () => this.#load(topicPartition, coordinator).then(resolve, reject), 0)
    return promise
  }

  /** Ends the load that runs, and begins no other. */
  async close(): Promise<void> {
    this.#running = false
    await this.#scheduler.shutdown()
  }

  async #load(topicPartition: TopicPartition, coordinator: CoordinatorPlayback<R>): Promise<void> {
    const log = this.#leaderLog(topicPartition)
    const progress = { nextOffset: log.logStartOffset, writtenOffset: 0, committedOffset: 0 }
    while (this.#running && progress.nextOffset < this.#leaderLog(topicPartition).logEndOffset) {
      const { records } = await log.read(progress.nextOffset, this.#options.loadBufferSize, 'log-end', true)
      // A compacted log may end before its end offset.
      if (records.length === 0) break
      for (const batch of batches(records)) this.#replayBatch(log, batch, coordinator, progress)
    }
    this.#leaderLog(topicPartition)
    if (!this.#running) throw new ApiError(ErrorCode.NOT_COORDINATOR, 'the coordinator is shut down')
  }

  #replayBatch(log: UnifiedLog, batch: RecordBatchView, coordinator: CoordinatorPlayback<R>, progress: Progress): void {
    // Where compaction has left no batch that ends at the high watermark, the state there is the one before this batch.
    if (batch.baseOffset >= log.highWatermark) markCommitted(coordinator, progress, log.highWatermark)
    if (!batch.isControl) this.#replayRecords(log, batch, coordinator)
    progress.nextOffset = batch.nextOffset
    const { highWatermark } = log
    if (batch.nextOffset >= highWatermark) {
      markWritten(coordinator, progress, batch.nextOffset)
      markCommitted(coordinator, progress, highWatermark)
    } else if (batch.nextOffset - progress.committedOffset >= COMMIT_INTERVAL_OFFSETS) {
      markCommitted(coordinator, progress, batch.nextOffset)
    }
  }

  #replayRecords(log: UnifiedLog, batch: RecordBatchView, coordinator: CoordinatorPlayback<R>): void {
    for (const { offset, key, value } of batch.records()) {
      try {
        if (key === null) throw new RangeError('it has no key')
        coordinator.replay(offset, this.#options.serde.deserialize(key, value))
      } catch (error) {
        // Perhaps left over from a newer version.
        if (error instanceof UnknownRecordTypeError) continue
        const reason = error instanceof Error ? error.message : String(error)
        throw new CoordinatorLoadError(`cannot apply the record at offset ${offset} of ${log.name}: ${reason}`, {
          cause: error,
        })
      }
    }
  }

  #leaderLog(topicPartition: TopicPartition): UnifiedLog {
    const partition = this.#options.replicaManager.getPartitionOrThrow(topicPartition)
    if (partition.isLeader && partition.log !== undefined) return partition.log
    throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `this broker does not lead ${partitionKey(topicPartition)}`)
  }
}

/** How far a log is read, and what the coordinator was told of that. */
interface Progress {
  nextOffset: number
  writtenOffset: number
  committedOffset: number
}

function markWritten(coordinator: CoordinatorPlayback<unknown>, progress: Progress, offset: number): void {
  if (offset <= progress.writtenOffset) return
  coordinator.updateLastWrittenOffset(offset)
  progress.writtenOffset = offset
}

function markCommitted(coordinator: CoordinatorPlayback<unknown>, progress: Progress, offset: number): void {
  if (offset <= progress.committedOffset) return
  markWritten(coordinator, progress, offset)
  coordinator.updateLastCommittedOffset(offset)
  progress.committedOffset = offset
}
