import { writeInt64 } from '../protocol/records/int64.ts'
import type { Disk } from '../runtime/disk.ts'
import { IndexFile } from './index-file.ts'
import { CorruptIndexError } from './log-errors.ts'

export const TIME_INDEX_ENTRY_BYTES = 12

/** A timestamp in milliseconds and the last offset of the batch that has it as its maximum. */
export interface TimestampOffset {
  readonly timestamp: number
  readonly offset: number
}

/** No record has a timestamp yet. */
export const UNKNOWN_TIMESTAMP_OFFSET: TimestampOffset = { timestamp: -1, offset: -1 }

/**
 * The sparse map from timestamps to offsets in a segment (Kafka's TimeIndex): an entry (timestamp int64, relative offset
 * int32) says that no record up to that offset is younger than that timestamp.
 */
export class TimeIndex {
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
  ): Promise<{ index: TimeIndex; torn: boolean }> {
    const { index, torn } = await IndexFile.open(disk, path, TIME_INDEX_ENTRY_BYTES, maxIndexBytes)
    return { index: new TimeIndex(baseOffset, index), torn }
  }

  get entries(): number {
    return this.#index.count
  }

  get sizeInBytes(): number {
    return this.#index.count * TIME_INDEX_ENTRY_BYTES
  }

  /** One entry is kept free for the largest timestamp, which is added when the segment is closed. */
  get isFull(): boolean {
    return this.#index.count >= this.#index.maxEntries - 1
  }

  /** The last entry; (-1, base offset) when there is none. */
  get lastEntry(): TimestampOffset {
    const { count } = this.#index
    return count === 0 ? { timestamp: -1, offset: this.baseOffset } : this.entry(count - 1)
  }

  entry(slot: number): TimestampOffset {
    const position = slot * TIME_INDEX_ENTRY_BYTES
    return {
      timestamp: timestampAt(this.#index.buffer, position),
      offset: this.baseOffset + this.#index.buffer.readInt32BE(position + 8),
    }
  }

  /** The last entry whose timestamp is not above `target`; (-1, base offset) when there is none. */
  lookup(target: number): TimestampOffset {
    const slot = this.#index.floorSlot(target, timestampAt)
    return slot < 0 ? { timestamp: -1, offset: this.baseOffset } : this.entry(slot)
  }

  /**
   * Adds an entry if its timestamp is above 0 and the last one's and there is room. 0 is left out because zeros are what a
   * power failure leaves where an entry was not written.
   * @param closing the segment is being closed: the entry kept free may be used
   */
  async maybeAppend({ timestamp, offset }: TimestampOffset, closing = false): Promise<void> {
    if (timestamp <= Math.max(0, this.lastEntry.timestamp)) return
    if (closing ? this.#index.count >= this.#index.maxEntries : this.isFull) return
    await this.#index.append((buffer, position) => {
      writeInt64(buffer, timestamp, position)
      buffer.writeInt32BE(offset - this.baseOffset, position + 8)
    })
  }

  /** Throws `CorruptIndexError` unless timestamps rise from above 0 and offsets do not fall. */
  sanityCheck(): void {
    let previous: TimestampOffset = { timestamp: 0, offset: this.baseOffset }
    for (let slot = 0; slot < this.#index.count; slot++) {
      const entry = this.entry(slot)
      if (entry.timestamp <= previous.timestamp || entry.offset < previous.offset) {
        throw new CorruptIndexError(
          this.#index.path,
          `entry ${slot} (${entry.timestamp} ms, offset ${entry.offset}) does not follow (${previous.timestamp} ms, ` +
            `offset ${previous.offset})`,
        )
      }
      previous = entry
    }
  }

  /** Drops the entries with offsets of `offset` or above. */
  async truncateTo(offset: number): Promise<void> {
    let count = this.#index.count
    while (count > 0 && this.entry(count - 1).offset >= offset) count--
    await this.#index.truncate(count)
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

/** Timestamps are safe integers in what this log accepts; a damaged index gives numbers that the sanity check refuses. */
function timestampAt(buffer: Buffer, position: number): number {
  return buffer.readInt32BE(position) * 4_294_967_296 + buffer.readUInt32BE(position + 4)
}
