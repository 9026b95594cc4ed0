import type { RandomStream } from '../../src/runtime/runtime.ts'

/** Bytes that a disk writes at once: a power loss tears between them. */
const SECTOR_BYTES = 512
/** Dirty pages older than this have been written back by the kernel (Linux: `dirty_expire_centisecs` and the flusher's period). */
const WRITE_BACK_US = 35_000_000

/** A file's content: what reads see (page cache) and how much of it would survive a power loss (platter). */
export class Inode {
  size = 0
  #data = Buffer.alloc(1024)
  #durableSize = 0
  /** Ranges that a failed sync has marked clean without writing them: they read well as long as the power stays on. */
  #lost: { readonly start: number; readonly end: number }[] = []
  /** How large the file was at which time, for write-back. */
  #marks: { readonly size: number; readonly timeUs: number }[] = []

  append(bytes: Buffer, timeUs: number): void {
    const end = this.size + bytes.length
    if (end > this.#data.length) {
      const grown = Buffer.alloc(Math.max(end, this.#data.length * 2))
      this.#data.copy(grown, 0, 0, this.size)
      this.#data = grown
    }
    bytes.copy(this.#data, this.size)
    this.size = end
    const last = this.#marks.at(-1)
    if (last === undefined || timeUs - last.timeUs > 1_000_000) this.#marks.push({ size: end, timeUs })
    else this.#marks[this.#marks.length - 1] = { size: end, timeUs: last.timeUs }
  }

  /** A copy: later changes of the file do not reach into it. */
  read(position: number, length: number): Buffer {
    const start = Math.min(position, this.size)
    return Buffer.from(this.#data.subarray(start, Math.min(this.size, position + length)))
  }

  /**
   * Cuts the file. Gives what puts back the durable bytes that this has cut off, and drops what came after: for the journal,
   * which alone knows whether the truncation survives a power loss. Undefined when no durable bytes went.
   */
  truncate(size: number): (() => void) | undefined {
    const durableSize = this.#durableSize
    const cut = size < durableSize ? Buffer.from(this.#data.subarray(size, durableSize)) : undefined
    this.#durableSize = Math.min(size, durableSize)
    this.size = Math.min(size, this.size)
    this.#lost = this.#lost.filter(({ start }) => start < size)
    this.#marks = this.#marks.filter(mark => mark.size <= size)
    if (cut === undefined) return undefined
    return () => {
      this.truncate(size)
      this.append(cut, 0)
      this.#durableSize = this.size
    }
  }

  /** The first `size` bytes are on the platter now. */
  sync(size: number): void {
    this.#durableSize = Math.min(size, this.size)
    this.#marks = this.#marks.filter(mark => mark.size > this.#durableSize)
  }

  /** What the first `size` bytes lack on the platter never gets there, though later syncs succeed (Linux drops it). */
  failSync(size: number): void {
    const end = Math.min(size, this.size)
    if (end <= this.#durableSize) return
    this.#lost.push({ start: this.#durableSize, end })
    this.#durableSize = end
  }

  /** Flips one bit, as a failing medium does. */
  flipBit(position: number, bit: number): void {
    if (position < this.size) this.#data[position] = (this.#data[position] as number) ^ (1 << bit)
  }

  /**
   * Leaves what survives a power loss: all durable bytes, and of the rest a part chosen by `random`, cut between
   * sectors, possibly with sectors that were never written and read as zeros.
   */
  losePower(nowUs: number, random: RandomStream): void {
    for (const mark of this.#marks) {
      if (nowUs - mark.timeUs >= WRITE_BACK_US) this.#durableSize = Math.max(this.#durableSize, mark.size)
    }
    for (const { start, end } of this.#lost.splice(0)) this.#data.fill(0, start, Math.min(end, this.size))
    const unsynced = this.size - this.#durableSize
    if (unsynced > 0) {
      const fate = random.float()
      if (fate < 0.3) this.size = this.#durableSize
      else if (fate < 0.7) this.#tear(random, unsynced)
    }
    this.#durableSize = this.size
    this.#marks = []
  }

  #tear(random: RandomStream, unsynced: number): void {
    const start = this.#durableSize
    const end = start + random.int(0, unsynced)
    this.size = end === this.size ? end : Math.max(start, end - (end % SECTOR_BYTES))
    for (let at = start; at < this.size; at += SECTOR_BYTES - (at % SECTOR_BYTES)) {
      if (random.float() < 0.2) this.#data.fill(0, at, Math.min(this.size, at + SECTOR_BYTES - (at % SECTOR_BYTES)))
    }
  }
}
