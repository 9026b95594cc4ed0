import type { LogSegment } from '../log-segment.ts'

const MAX_RELATIVE_OFFSET = 2_147_483_647

export interface GroupBounds {
  /** `segment.bytes` */
  readonly maxSizeBytes: number
  /** `segment.index.bytes` */
  readonly maxIndexBytes: number
  /** The end, exclusive, of what is cleaned. */
  readonly firstUncleanableOffset: number
}

/**
 * Runs of neighbouring segments that fit into one segment together, so that segments do not get ever smaller as they are
 * cleaned (Kafka's Cleaner.groupSegmentsBySize).
 */
export function groupSegmentsBySize(segments: readonly LogSegment[], bounds: GroupBounds): LogSegment[][] {
  const groups: LogSegment[][] = []
  let group: LogSegment[] = []
  let size = 0
  let indexSize = 0
  let timeIndexSize = 0
  for (const [position, segment] of segments.entries()) {
    const lastOffset = (segments[position + 1]?.baseOffset ?? bounds.firstUncleanableOffset) - 1
    const baseOffset = group[0]?.baseOffset ?? segment.baseOffset
    const fits =
      size + segment.size <= bounds.maxSizeBytes &&
      indexSize + segment.offsetIndex.sizeInBytes <= bounds.maxIndexBytes &&
      timeIndexSize + segment.timeIndex.sizeInBytes <= bounds.maxIndexBytes &&
      (segment.size === 0 || lastOffset - baseOffset <= MAX_RELATIVE_OFFSET)
    if (group.length === 0 || !fits) {
      group = []
      groups.push(group)
      size = 0
      indexSize = 0
      timeIndexSize = 0
    }
    group.push(segment)
    size += segment.size
    indexSize += segment.offsetIndex.sizeInBytes
    timeIndexSize += segment.timeIndex.sizeInBytes
  }
  return groups
}
