import type { Disk } from '../runtime/disk.ts'
import { IndexFile } from './index-file.ts'
import { CorruptIndexError } from './log-errors.ts'

export const OFFSET_INDEX_ENTRY_BYTES = 8

export interface OffsetPosition {
  readonly offset: number
  /** Bytes from the segment's beginning to the batch that holds the offset. */
  readonly position: number
}

/**
 * The sparse map from offsets to places in a segment (Kafka's OffsetIndex): per entry the last offset of a batch,
 * relative to the base offset (int32), and where the batch begins (int32).
 */
export class OffsetIndex {
  readonly baseOffset: number
  readonly #index: IndexFile

  private constructor(baseOffset: number, index: IndexFile) {
    this.baseOffset = baseOffset
    this.#index = index
  }

  /** Opens or makes the file. `torn`: it had half an entry at its end, which is gone now. */
  static async open(
    disk: Disk,
    path: string,
    baseOffset: number,
    maxIndexBytes: number,
  ): Promise<{ index: OffsetIndex; torn: boolean }> {
    const { index, torn } = await IndexFile.open(disk, path, OFFSET_INDEX_ENTRY_BYTES, maxIndexBytes)
    return { index: new OffsetIndex(baseOffset, index), torn }
  }

  get entries(): number {
    return this.#index.count
  }

  get sizeInBytes(): number {
    return this.#index.count * OFFSET_INDEX_ENTRY_BYTES
  }

  get isFull(): boolean {
    return this.#index.count >= this.#index.maxEntries
  }

  /** The offset of the last entry, the base offset when there is none. */
  get lastOffset(): number {
    return this.#index.count === 0 ? this.baseOffset : this.entry(this.#index.count - 1).offset
  }

  entry(slot: number): OffsetPosition {
    const position = slot * OFFSET_INDEX_ENTRY_BYTES
    return {
      offset: this.baseOffset + relativeOffsetAt(this.#index.buffer, position),
      position: this.#index.buffer.readInt32BE(position + 4),
    }
  }

  /** The last entry whose offset is not above `target`; the segment's beginning when there is none. */
  lookup(target: number): OffsetPosition {
    const slot = this.#index.floorSlot(target - this.baseOffset, relativeOffsetAt)
    return slot < 0 ? { offset: this.baseOffset, position: 0 } : this.entry(slot)
  }

  /** Adds an entry; the offset must be above the last one's. */
  append(offset: number, position: number): Promise<void> {
    if (this.#index.count > 0 && offset <= this.lastOffset) {
      throw new RangeError(`index ${this.#index.path}: offset ${offset} is not above the last, ${this.lastOffset}`)
    }
    return this.#index.append((buffer, at) => {
      buffer.writeInt32BE(offset - this.baseOffset, at)
      buffer.writeInt32BE(position, at + 4)
    })
  }

  /**
   * Throws `CorruptIndexError` unless offsets and positions rise and stay inside a segment of `segmentBytes`. A segment's
   * first batch is never indexed: position 0 is what a power failure leaves where an entry was not written.
   */
  sanityCheck(segmentBytes: number): void {
    let previousOffset = this.baseOffset - 1
    let previousPosition = 0
    for (let slot = 0; slot < this.#index.count; slot++) {
      const { offset, position } = this.entry(slot)
      if (offset <= previousOffset || position <= previousPosition || position >= segmentBytes) {
        throw new CorruptIndexError(
          this.#index.path,
          `entry ${slot} (offset ${offset}, position ${position}) does not follow (${previousOffset}, ` +
            `${previousPosition}) inside ${segmentBytes} bytes`,
        )
      }
      previousOffset = offset
      previousPosition = position
    }
  }

  /** Drops the entries with offsets of `offset` or above. */
  truncateTo(offset: number): Promise<void> {
    return this.#index.truncate(this.#index.floorSlot(offset - this.baseOffset - 1, relativeOffsetAt) + 1)
  }

  reset(): Promise<void> {
    return this.#index.truncate(0)
  }

  flush(): Promise<void> {
    return this.#index.flush()
  }

  close(): Promise<void> {
    return this.#index.close()
  }
}

function relativeOffsetAt(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position)
}
