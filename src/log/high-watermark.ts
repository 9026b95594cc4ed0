import { isMessageOffsetOnly, type LogOffsetMetadata, messageOffsetOnly } from './log-offset-metadata.ts'

/** The log that a high watermark is kept within. */
export interface HighWatermarkBounds {
  /** The partition, for messages. */
  readonly name: string
  readonly logStartOffset: number
  readonly logEndOffsetMetadata: LogOffsetMetadata
}

/** Up to where a log is committed, and how that moves (the part of Kafka's UnifiedLog that keeps it). */
export class HighWatermark {
  readonly #log: HighWatermarkBounds
  #metadata: LogOffsetMetadata

  constructor(log: HighWatermarkBounds, offset: number) {
    this.#log = log
    this.#metadata = messageOffsetOnly(offset)
  }

  get offset(): number {
    return this.#metadata.messageOffset
  }

  /** The offset, and where it lies if that is known. */
  get metadata(): LogOffsetMetadata {
    return this.#metadata
  }

  /** The offset and where it lies. @param lookUp finds the place of an offset */
  async locate(lookUp: (offset: number) => Promise<LogOffsetMetadata>): Promise<LogOffsetMetadata> {
    const before = this.#metadata
    if (!isMessageOffsetOnly(before)) return before
    const found = await lookUp(before.messageOffset)
    if (this.#metadata === before) this.#metadata = found
    return found
  }

  /** See `UnifiedLog.updateHighWatermark`. */
  update(to: number | LogOffsetMetadata): number {
    const wanted = typeof to === 'number' ? messageOffsetOnly(to) : to
    const { logEndOffsetMetadata: end, logStartOffset } = this.#log
    if (wanted.messageOffset >= end.messageOffset) this.#metadata = end
    else if (wanted.messageOffset < logStartOffset) this.#metadata = messageOffsetOnly(logStartOffset)
    else this.#metadata = wanted
    return this.#metadata.messageOffset
  }

  /** See `UnifiedLog.maybeIncrementHighWatermark`. */
  maybeIncrement(to: LogOffsetMetadata): boolean {
    const end = this.#log.logEndOffsetMetadata.messageOffset
    if (to.messageOffset > end) {
      throw new RangeError(`high watermark ${to.messageOffset} of ${this.#log.name} is beyond its end, ${end}`)
    }
    const before = this.#metadata
    const onOlderSegment = before.messageOffset === to.messageOffset && before.segmentBaseOffset < to.segmentBaseOffset
    if (before.messageOffset >= to.messageOffset && !onOlderSegment) return false
    this.#metadata = to
    return before.messageOffset < to.messageOffset
  }
}
