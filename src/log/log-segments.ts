import type { LogSegment } from './log-segment.ts'

/** The segments of a log in the order of their offsets (Kafka's LogSegments). */
export class LogSegments {
  readonly #segments: LogSegment[] = []

  get size(): number {
    return this.#segments.length
  }

  get first(): LogSegment | undefined {
    return this.#segments[0]
  }

  get last(): LogSegment | undefined {
    return this.#segments.at(-1)
  }

  /** The segment that takes appends. A log has one from the moment it is loaded. */
  get active(): LogSegment {
    const { last } = this
    if (last === undefined) throw new Error('a log without segments: it was not loaded, or is deleted')
    return last
  }

  /** All segments, oldest first. */
  values(): readonly LogSegment[] {
    return this.#segments
  }

  /** The segments that may hold offsets from `from` on, below `to`. */
  valuesBetween(from: number, to: number): LogSegment[] {
    const start = Math.max(0, this.#floorIndex(from))
    return this.#segments.slice(start).filter(segment => segment.baseOffset < to)
  }

  get(baseOffset: number): LogSegment | undefined {
    const segment = this.floor(baseOffset)
    return segment?.baseOffset === baseOffset ? segment : undefined
  }

  /** The segment in whose range an offset lies: the last one that does not begin after it. */
  floor(offset: number): LogSegment | undefined {
    return this.#segments[this.#floorIndex(offset)]
  }

  /** The segment after the one with this base offset. */
  higher(baseOffset: number): LogSegment | undefined {
    return this.#segments[this.#floorIndex(baseOffset) + 1]
  }

  /** Adds a segment; one with the same base offset must not be there. */
  add(segment: LogSegment): void {
    const index = this.#floorIndex(segment.baseOffset)
    if (this.#segments[index]?.baseOffset === segment.baseOffset) {
      throw new Error(`segment ${segment} is there already`)
    }
    this.#segments.splice(index + 1, 0, segment)
  }

  remove(segment: LogSegment): void {
    const index = this.#segments.indexOf(segment)
    if (index >= 0) this.#segments.splice(index, 1)
  }

  /** Puts a segment in the place of others, in one step for readers. */
  replace(replaced: readonly LogSegment[], segment: LogSegment): void {
    for (const old of replaced) this.remove(old)
    this.add(segment)
  }

  clear(): void {
    this.#segments.length = 0
  }

  /** Bytes of all segments. */
  get sizeInBytes(): number {
    let bytes = 0
    for (const segment of this.#segments) bytes += segment.size
    return bytes
  }

  #floorIndex(offset: number): number {
    // Nearly every lookup is for the newest segment.
    let low = 0
    let high = this.#segments.length
    if (high > 0 && (this.#segments[high - 1]?.baseOffset ?? Infinity) <= offset) return high - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#segments[middle]?.baseOffset ?? Infinity) <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
