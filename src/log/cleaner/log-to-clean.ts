import type { LogSegment } from '../log-segment.ts'
import type { UnifiedLog } from '../unified-log.ts'

/** The part of a log that was not cleaned yet and may be (Kafka's LogCleanerManager.OffsetsToClean). */
export interface OffsetsToClean {
  readonly firstDirtyOffset: number
  /** Nothing from here on may be cleaned. */
  readonly firstUncleanableDirtyOffset: number
  /** What the checkpoint says lies outside the log: it is to be set to `firstDirtyOffset`. */
  readonly forceUpdateCheckpoint: boolean
}

/** A log that may be cleaned, and how much it needs it (Kafka's LogToClean). Sizes in bytes. */
export interface LogToClean {
  readonly log: UnifiedLog
  readonly firstDirtyOffset: number
  /** Base offset of the first segment that stays as it is. */
  readonly firstUncleanableOffset: number
  readonly cleanBytes: number
  readonly cleanableBytes: number
  readonly totalBytes: number
  /** Share of `cleanableBytes` in `totalBytes`. */
  readonly cleanableRatio: number
  /** `max.compaction.lag.ms` is exceeded. */
  readonly needCompactionNow: boolean
}

/** @param lastCleanOffset what the checkpoint says; undefined: nothing */
export function cleanableOffsets(log: UnifiedLog, lastCleanOffset: number | undefined, nowMs: number): OffsetsToClean {
  const { logStartOffset, logEndOffset } = log
  const checkpointed = lastCleanOffset ?? logStartOffset
  // Below: records were deleted. Beyond: the log lost its end, and nobody knows what else; all of it counts as dirty.
  const isInvalid = checkpointed < logStartOffset || checkpointed > logEndOffset
  const firstDirtyOffset = isInvalid ? logStartOffset : checkpointed
  const { minCompactionLagMs } = log.config
  const tooYoung =
    minCompactionLagMs > 0
      ? nonActiveSegmentsFrom(log, firstDirtyOffset).find(segment => {
          return segment.largestTimestamp > nowMs - minCompactionLagMs
        })
      : undefined
  const firstUncleanable = Math.min(
    log.lastStableOffset,
    activeSegment(log).baseOffset,
    tooYoung?.baseOffset ?? Infinity,
  )
  return {
    firstDirtyOffset,
    firstUncleanableDirtyOffset: Math.max(firstDirtyOffset, firstUncleanable),
    forceUpdateCheckpoint: isInvalid,
  }
}

/** How much longer than `max.compaction.lag.ms` the oldest dirty segment has waited, in milliseconds; 0: not longer. */
export function maxCompactionDelay(log: UnifiedLog, firstDirtyOffset: number, nowMs: number): number {
  let earliest = Infinity
  for (const { firstBatchTimestamp } of nonActiveSegmentsFrom(log, firstDirtyOffset)) {
    if (firstBatchTimestamp !== undefined && firstBatchTimestamp > 0) earliest = Math.min(earliest, firstBatchTimestamp)
  }
  return Math.max(0, nowMs - log.config.maxCompactionLagMs - earliest)
}

export function logToClean(log: UnifiedLog, offsets: OffsetsToClean, needCompactionNow: boolean): LogToClean {
  const { firstDirtyOffset, firstUncleanableDirtyOffset } = offsets
  const firstUncleanable = nonActiveSegmentsFrom(log, firstUncleanableDirtyOffset)[0] ?? activeSegment(log)
  const firstUncleanableOffset = firstUncleanable.baseOffset
  const cleanBytes = sizeOf(log.segmentsBetween(-1, firstDirtyOffset))
  const dirtyFrom = Math.min(firstDirtyOffset, firstUncleanableOffset)
  const cleanableBytes = sizeOf(log.segmentsBetween(dirtyFrom, firstUncleanableOffset))
  const totalBytes = cleanBytes + cleanableBytes
  return {
    log,
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanBytes,
    cleanableBytes,
    totalBytes,
    cleanableRatio: cleanableBytes / totalBytes,
    needCompactionNow,
  }
}

function activeSegment(log: UnifiedLog): LogSegment {
  const active = log.segments.at(-1)
  if (active === undefined) throw new Error(`${log.name} has no segment`)
  return active
}

function nonActiveSegmentsFrom(log: UnifiedLog, from: number): LogSegment[] {
  const { baseOffset } = activeSegment(log)
  return from > baseOffset ? [] : log.segmentsBetween(from, baseOffset)
}

function sizeOf(segments: readonly LogSegment[]): number {
  return segments.reduce((bytes, segment) => bytes + segment.size, 0)
}
