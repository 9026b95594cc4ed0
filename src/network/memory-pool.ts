/** Book-keeping of the memory that requests in the broker may use. It counts; buffers are made by whoever asks. */
export interface MemoryPool {
  /** Books `bytes` (≥ 1); false when the pool refuses for now. */
  tryAllocate(bytes: number): boolean
  /** Gives booked bytes back. */
  release(bytes: number): void
  readonly availableMemory: number
  readonly isOutOfMemory: boolean
  readonly size: number
  /** Calls `listener` whenever the pool recovers from having nothing left. */
  onRecovered(listener: () => void): void
}

/** The pool when `queued.max.request.bytes` is off (−1): never refuses. */
export const UNLIMITED_MEMORY: MemoryPool = {
  tryAllocate: () => true,
  release: () => {},
  availableMemory: Number.MAX_SAFE_INTEGER,
  isOutOfMemory: false,
  size: Number.MAX_SAFE_INTEGER,
  onRecovered: () => {},
}

/**
 * Kafka's non-strict SimpleMemoryPool: grants any single allocation while a byte is left, so it may go below zero by one
 * allocation; a large request therefore never starves behind small ones.
 */
export class SimpleMemoryPool implements MemoryPool {
  readonly size: number
  readonly #maxSingleAllocation: number
  readonly #listeners: (() => void)[] = []
  #available: number

  /**
   * @param size bytes in the pool, ≥ 1
   * @param maxSingleAllocation largest allocation that may be asked for, ≥ 1
   */
  constructor(size: number, maxSingleAllocation: number) {
    if (!(size >= 1) || !(maxSingleAllocation >= 1)) {
      throw new RangeError(`memory pool: size ${size} and largest allocation ${maxSingleAllocation} must be at least 1`)
    }
    this.size = size
    this.#maxSingleAllocation = maxSingleAllocation
    this.#available = size
  }

  get availableMemory(): number {
    return this.#available
  }

  get isOutOfMemory(): boolean {
    return this.#available <= 0
  }

  tryAllocate(bytes: number): boolean {
    if (bytes < 1 || bytes > this.#maxSingleAllocation) {
      throw new RangeError(`memory pool: allocation of ${bytes} bytes, must be 1 to ${this.#maxSingleAllocation}`)
    }
    if (this.#available < 1) return false
    this.#available -= bytes
    return true
  }

  release(bytes: number): void {
    const wasOutOfMemory = this.isOutOfMemory
    this.#available += bytes
    if (this.#available > this.size) {
      throw new Error(
        `memory pool: ${bytes} bytes released that were not allocated, ${this.#available} of ${this.size} free`,
      )
    }
    if (!wasOutOfMemory || this.isOutOfMemory) return
    for (const listener of this.#listeners) listener()
  }

  onRecovered(listener: () => void): void {
    this.#listeners.push(listener)
  }
}
