import type { Disk, DiskFile } from '../runtime/disk.ts'

const INITIAL_CAPACITY_BYTES = 256

/**
 * Fixed-size entries that are only ever added at the end: the common half of both indexes (Kafka's AbstractIndex). The
 * entries are held in memory as they stand in the file; a lookup never touches the disk. Memory is bounded by
 * `segment.index.bytes`, beyond which the segment rolls.
 */
export class IndexFile {
  readonly entryBytes: number
  readonly maxEntries: number
  readonly #file: DiskFile
  #buffer: Buffer
  #count: number
  /** Finished changes, and how many of them are on the platter. */
  #changes = 0
  #flushedChanges: number

  private constructor(file: DiskFile, entryBytes: number, maxEntries: number, buffer: Buffer, count: number) {
    this.#file = file
    this.entryBytes = entryBytes
    this.maxEntries = maxEntries
    this.#buffer = buffer
    this.#count = count
    // An earlier process may have left its bytes in the page cache only.
    this.#flushedChanges = file.size > 0 ? -1 : 0
  }

  /** Opens or makes the file. Bytes after the last whole entry are cut off; `torn` tells whether there were any. */
  static async open(
    disk: Disk,
    path: string,
    entryBytes: number,
    maxIndexBytes: number,
  ): Promise<{ index: IndexFile; torn: boolean }> {
    const file = await disk.open(path, { create: true })
    const wholeBytes = file.size - (file.size % entryBytes)
    const torn = wholeBytes !== file.size
    if (torn) await file.truncate(wholeBytes)
    const content = wholeBytes > 0 ? await file.read(0, wholeBytes) : Buffer.alloc(INITIAL_CAPACITY_BYTES)
    const maxEntries = Math.floor(maxIndexBytes / entryBytes)
    return { index: new IndexFile(file, entryBytes, maxEntries, content, wholeBytes / entryBytes), torn }
  }

  get path(): string {
    return this.#file.path
  }

  get count(): number {
    return this.#count
  }

  /** The entries' bytes. An entry's place is `slot * entryBytes`; bytes from `count` on mean nothing. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** Adds one entry: `fill` writes it into the buffer at the position it is given. */
  async append(fill: (buffer: Buffer, position: number) => void): Promise<void> {
    const position = this.#count * this.entryBytes
    const end = position + this.entryBytes
    if (end > this.#buffer.length) {
      const grown = Buffer.alloc(this.#buffer.length * 2 + this.entryBytes)
      this.#buffer.copy(grown, 0, 0, position)
      this.#buffer = grown
    }
    fill(this.#buffer, position)
    this.#count++
    await this.#file.append(this.#buffer.subarray(position, end))
    this.#changes++
  }

  async truncate(count: number): Promise<void> {
    if (count >= this.#count) return
    this.#count = count
    await this.#file.truncate(count * this.entryBytes)
    this.#changes++
  }

  /** Forces new entries to the platter; does nothing when there are none. */
  async flush(): Promise<void> {
    const changes = this.#changes
    if (changes === this.#flushedChanges) return
    await this.#file.sync()
    this.#flushedChanges = Math.max(this.#flushedChanges, changes)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * The last slot whose key, as `keyAt` reads it at a byte position, is at most `target`; -1 when there is none. Keys
   * never decrease from slot to slot.
   */
  floorSlot(target: number, keyAt: (buffer: Buffer, position: number) => number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (keyAt(this.#buffer, middle * this.entryBytes) <= target) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
