import type { Runtime } from '../runtime/runtime.ts'
import type { AppendOrigin } from './append-origin.ts'
import type { KafkaScheduler } from './kafka-scheduler.ts'
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts'
import type { LocalLog } from './local-log.ts'
import { appendInfo, duplicateAppendInfo, emptyAppendInfo, type LogAppendInfo } from './log-append-info.ts'
import { ignoringStorageErrors, RecordBatchTooLargeError } from './log-errors.ts'
import type { LogGuard } from './log-guard.ts'
import type { PreparedAppend } from './log-validator.ts'
import { checkProducers, findDuplicate } from './producer-checks.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'

const MAX_RELATIVE_OFFSET = 2_147_483_647

export interface LogAppenderOptions {
  /** The partition, for messages. */
  readonly name: string
  readonly local: LocalLog
  readonly leaderEpochCache: LeaderEpochFileCache
  readonly producerStateManager: ProducerStateManager
  readonly scheduler: KafkaScheduler
  readonly guard: LogGuard
}

/** The part of a log that takes records (Kafka's UnifiedLog.append and roll). Its owner holds the log's lock. */
export class LogAppender {
  readonly #runtime: Runtime
  readonly #options: LogAppenderOptions

  constructor(runtime: Runtime, options: LogAppenderOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  /** Appends what was checked, unless its producer repeats it. Errors as for `UnifiedLog.appendAsLeader`. */
  async append(
    prepared: PreparedAppend,
    origin: AppendOrigin,
    logAppendTime: number,
    logStartOffset: number,
  ): Promise<LogAppendInfo> {
    const { name, local, leaderEpochCache, producerStateManager } = this.#options
    const { bytes, lastOffset } = prepared
    const { segmentBytes } = local.config
    if (prepared.batches.length === 0) return emptyAppendInfo(logStartOffset)
    if (bytes.length > segmentBytes) throw new RecordBatchTooLargeError(name, bytes.length, segmentBytes)
    const duplicate = findDuplicate(producerStateManager, prepared.batches, origin)
    if (duplicate !== undefined) return duplicateAppendInfo(duplicate, prepared, logStartOffset)
    const producers = checkProducers(producerStateManager, prepared.batches, origin)
    for (const batch of prepared.batches) {
      const epoch = batch.partitionLeaderEpoch
      if (epoch >= 0 && leaderEpochCache.needsAssign(epoch, batch.baseOffset)) {
        await leaderEpochCache.assign(epoch, batch.baseOffset)
      }
    }
    await this.#maybeRoll(prepared)
    await local.append(lastOffset, bytes)
    for (const producer of producers) producerStateManager.update(producer)
    producerStateManager.updateMapEndOffset(lastOffset + 1)
    if (local.unflushedMessages >= local.config.flushMessages) await local.flush(local.logEndOffset)
    return appendInfo(prepared, logAppendTime, logStartOffset)
  }

  /** Starts a new segment, at `expectedNextOffset` if that is beyond the log's end; the others are flushed in the background. */
  async roll(expectedNextOffset: number): Promise<void> {
    const { local, producerStateManager, scheduler, guard } = this.#options
    const { baseOffset } = await local.roll(expectedNextOffset)
    producerStateManager.updateMapEndOffset(baseOffset)
    await producerStateManager.takeSnapshot()
    // A log that was closed meanwhile has nothing left to flush.
    const flush = () => ignoringStorageErrors(() => guard.guarded('flush', () => local.flush(baseOffset)))
    scheduler.schedule('flush-log', flush, 0)
  }

  async #maybeRoll({ maxTimestamp, lastOffset, bytes }: PreparedAppend): Promise<void> {
    const nowMs = this.#runtime.clock.wallMs()
    const rollParams = { maxTimestamp, maxOffset: lastOffset, sizeBytes: bytes.length, nowMs }
    if (!this.#options.local.segments.active.shouldRoll(rollParams)) return
    // A follower may skip offsets that compaction removed, by more than a segment can address.
    await this.roll(lastOffset - MAX_RELATIVE_OFFSET)
  }
}
