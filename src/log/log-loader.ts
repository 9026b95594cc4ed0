import type { Runtime } from '../runtime/runtime.ts'
import { completeSwap } from './complete-swap.ts'
import type { LeaderEpochFileCache } from './leader-epoch-file-cache.ts'
import type { LogConfig } from './log-config.ts'
import {
  DELETE_DIR_SUFFIX,
  DELETED_FILE_SUFFIX,
  INDEX_FILE_SUFFIX,
  joinPath,
  LOG_FILE_SUFFIX,
  offsetFromFileName,
  TEMPORARY_FILE_SUFFIX,
  TIME_INDEX_FILE_SUFFIX,
} from './log-file-utils.ts'
import type { LogOffsetMetadata } from './log-offset-metadata.ts'
import { LogSegment, needsRecovery } from './log-segment.ts'
import type { LogSegments } from './log-segments.ts'
import type { ProducerStateManager } from './producer-state-manager.ts'
import { rebuildProducerState } from './rebuild-producer-state.ts'

export interface LogLoaderOptions {
  readonly directory: string
  readonly config: LogConfig
  /** The broker left its marker: nothing needs to be checked. */
  readonly hadCleanShutdown: boolean
  readonly logStartOffsetCheckpoint: number
  readonly recoveryPointCheckpoint: number
  /** Compaction makes gaps between offsets; without it they are damage. */
  readonly mayHaveGaps: boolean
  /** Empty; gets the segments. */
  readonly segments: LogSegments
  readonly leaderEpochCache: LeaderEpochFileCache
  readonly producerStateManager: ProducerStateManager
}

export interface LoadedLogOffsets {
  readonly logStartOffset: number
  readonly recoveryPoint: number
  readonly nextOffsetMetadata: LogOffsetMetadata
  /** Bytes that recovery cut off. */
  readonly truncatedBytes: number
}

/**
 * Opens a partition's files (Kafka's LogLoader). After an unclean shutdown every batch from the recovery point on is
 * checked; the log ends before the first that is not sound, and indexes and producer state are rebuilt to match.
 */
export class LogLoader {
  readonly #runtime: Runtime
  readonly #options: LogLoaderOptions
  #truncatedBytes = 0
  #epochsChanged = false

  constructor(runtime: Runtime, options: LogLoaderOptions) {
    this.#runtime = runtime
    this.#options = options
  }

  async load(): Promise<LoadedLogOffsets> {
    const { segments, leaderEpochCache, producerStateManager, logStartOffsetCheckpoint, hadCleanShutdown } =
      this.#options
    await this.#loadSegmentFiles()
    const { nextOffset, recoveryPoint } = await this.#recoverLog()
    if (this.#epochsChanged) await leaderEpochCache.flush()
    await leaderEpochCache.truncateFromEnd(nextOffset)
    const logStartOffset = Math.max(logStartOffsetCheckpoint, segments.first?.baseOffset ?? 0)
    await leaderEpochCache.truncateFromStart(logStartOffset)
    await producerStateManager.removeStraySnapshots(segments.values().map(segment => segment.baseOffset))
    await rebuildProducerState(producerStateManager, {
      segments,
      logStartOffset,
      lastOffset: nextOffset,
      nowMs: this.#runtime.clock.wallMs(),
      reloadFromCleanShutdown: hadCleanShutdown,
    })
    const { active } = segments
    return {
      logStartOffset,
      recoveryPoint,
      nextOffsetMetadata: {
        messageOffset: nextOffset,
        segmentBaseOffset: active.baseOffset,
        relativePositionInSegment: active.size,
      },
      truncatedBytes: this.#truncatedBytes,
    }
  }

  async #loadSegmentFiles(): Promise<void> {
    const { directory, config, segments } = this.#options
    const { disk } = this.#runtime
    let names = await disk.list(directory)
    if (await completeSwap(disk, directory, names)) names = await disk.list(directory)
    const present = new Set(names)
    for (const name of names) {
      const isLeftOver = name.endsWith(DELETED_FILE_SUFFIX) || name.endsWith(TEMPORARY_FILE_SUFFIX)
      if (isLeftOver || this.#isOrphanedIndex(name, present)) {
        await disk.remove(joinPath(directory, name))
      }
    }
    for (const name of names) {
      const baseOffset = offsetFromFileName(name, LOG_FILE_SUFFIX)
      if (baseOffset === undefined) continue
      const stem = name.slice(0, -LOG_FILE_SUFFIX.length)
      const indexMissing = !present.has(stem + INDEX_FILE_SUFFIX) || !present.has(stem + TIME_INDEX_FILE_SUFFIX)
      const { segment, tornIndex } = await LogSegment.open(this.#runtime, directory, baseOffset, config)
      segments.add(segment)
      if (indexMissing || tornIndex) await this.#recoverSegment(segment)
      else await this.#loadSegment(segment)
    }
  }

  #isOrphanedIndex(name: string, present: ReadonlySet<string>): boolean {
    return [INDEX_FILE_SUFFIX, TIME_INDEX_FILE_SUFFIX].some(
      suffix =>
        offsetFromFileName(name, suffix) !== undefined && !present.has(name.slice(0, -suffix.length) + LOG_FILE_SUFFIX),
    )
  }

  async #loadSegment(segment: LogSegment): Promise<void> {
    try {
      await segment.load()
    } catch (error) {
      if (!needsRecovery(error)) throw error
      await this.#recoverSegment(segment)
    }
  }

  async #recoverLog(): Promise<{ nextOffset: number; recoveryPoint: number }> {
    const { directory, config, segments, hadCleanShutdown, recoveryPointCheckpoint, logStartOffsetCheckpoint } =
      this.#options
    if (directory.endsWith(DELETE_DIR_SUFFIX)) return { nextOffset: await this.#nextOffset(), recoveryPoint: 0 }
    if (!hadCleanShutdown) await this.#recoverUnflushedSegments()
    const logEndOffset = segments.last === undefined ? undefined : await segments.last.readNextOffset()
    if (logEndOffset !== undefined && logEndOffset < logStartOffsetCheckpoint) {
      // Everything that is left was deleted before: the log is empty and begins where the deletion ended.
      for (const segment of [...segments.values()]) await this.#deleteSegment(segment)
      await this.#options.leaderEpochCache.clearAndFlush()
      await this.#options.producerStateManager.truncateFullyAndStartAt(logStartOffsetCheckpoint)
    }
    if (segments.size === 0) {
      const { segment } = await LogSegment.open(this.#runtime, directory, logStartOffsetCheckpoint, config)
      segments.add(segment)
    }
    const nextOffset = await this.#nextOffset()
    const untouched = hadCleanShutdown && logEndOffset !== undefined
    return { nextOffset, recoveryPoint: untouched ? nextOffset : Math.min(recoveryPointCheckpoint, nextOffset) }
  }

  #nextOffset(): Promise<number> {
    return this.#options.segments.active.readNextOffset()
  }

  async #recoverUnflushedSegments(): Promise<void> {
    const { segments, recoveryPointCheckpoint } = this.#options
    const unflushed = segments.valuesBetween(recoveryPointCheckpoint, Infinity)
    for (const [index, segment] of unflushed.entries()) {
      const truncated = await this.#recoverSegment(segment)
      const next = unflushed[index + 1]
      if (next === undefined) return
      if (truncated === 0 && !(await this.#leavesGap(segment, next))) continue
      for (const later of unflushed.slice(index + 1)) {
        this.#truncatedBytes += later.size
        await this.#deleteSegment(later)
      }
      return
    }
  }

  /**
   * A power failure may take the tail of a segment at the very end of a batch and leave the next segment, which was written
   * later. Unless compaction makes gaps of its own, what comes after a gap cannot stay: offsets are dense.
   */
  async #leavesGap(segment: LogSegment, next: LogSegment): Promise<boolean> {
    return !this.#options.mayHaveGaps && (await segment.readNextOffset()) < next.baseOffset
  }

  async #recoverSegment(segment: LogSegment): Promise<number> {
    const { leaderEpochCache } = this.#options
    const truncated = await segment.recover(({ partitionLeaderEpoch, baseOffset }) => {
      if (partitionLeaderEpoch < 0 || partitionLeaderEpoch <= (leaderEpochCache.latestEpoch ?? -1)) return
      leaderEpochCache.assignInMemory(partitionLeaderEpoch, baseOffset)
      this.#epochsChanged = true
    })
    this.#truncatedBytes += truncated
    return truncated
  }

  async #deleteSegment(segment: LogSegment): Promise<void> {
    this.#options.segments.remove(segment)
    await segment.deleteFiles()
  }
}
