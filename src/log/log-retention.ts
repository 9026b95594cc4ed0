import type { LogConfig } from './log-config.ts'
import type { LogSegment } from './log-segment.ts'
import type { LogSegments } from './log-segments.ts'

export interface RetentionState {
  readonly segments: LogSegments
  readonly config: LogConfig
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly nowMs: number
}

/**
 * The oldest segments that retention lets go (Kafka's UnifiedLog.deleteOldSegments): those below the log start offset, and
 * where `cleanup.policy` has `delete`, those too old or beyond the size. Never one that reaches above the high watermark.
 */
export function deletableSegments(state: RetentionState): LogSegment[] {
  const { config, segments, nowMs } = state
  const belowStart = prefix(state, (_, next) => next !== undefined && next.baseOffset <= state.logStartOffset)
  if (!config.delete) return belowStart
  let excessBytes = segments.sizeInBytes - config.retentionBytes
  const bySize =
    config.retentionBytes < 0
      ? []
      : prefix(state, segment => {
          excessBytes -= segment.size
          return excessBytes >= 0
        })
  const byTime =
    config.retentionMs < 0 ? [] : prefix(state, segment => nowMs - segment.largestTimestamp > config.retentionMs)
  return [belowStart, bySize, byTime].reduce((longest, list) => (list.length > longest.length ? list : longest))
}

function prefix(
  { segments, highWatermark, logEndOffset }: RetentionState,
  mayGo: (segment: LogSegment, next: LogSegment | undefined) => boolean,
): LogSegment[] {
  const all = segments.values()
  const found: LogSegment[] = []
  for (const [index, segment] of all.entries()) {
    const next = all[index + 1]
    const isLastAndEmpty = next === undefined && segment.size === 0
    if (isLastAndEmpty || (next?.baseOffset ?? logEndOffset) > highWatermark || !mayGo(segment, next)) break
    found.push(segment)
  }
  return found
}
