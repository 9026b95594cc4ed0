/** An offset and where its record begins, so that distances in bytes can be told without reading (Kafka's LogOffsetMetadata). */
export interface LogOffsetMetadata {
  readonly messageOffset: number
  /** Base offset of the segment that holds it, -1 when unknown. */
  readonly segmentBaseOffset: number
  /** Bytes from the segment's beginning, -1 when unknown. */
  readonly relativePositionInSegment: number
}

/** An offset whose place is not known. */
export function messageOffsetOnly(messageOffset: number): LogOffsetMetadata {
  return { messageOffset, segmentBaseOffset: -1, relativePositionInSegment: -1 }
}

export function isMessageOffsetOnly(metadata: LogOffsetMetadata): boolean {
  return metadata.segmentBaseOffset < 0
}
