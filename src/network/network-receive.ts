import { type Connection, END_OF_STREAM } from '../runtime/network.ts'
import type { MemoryPool } from './memory-pool.ts'

/** Bytes of the length that stands before every frame. */
export const SIZE_BYTES = 4
/** A frame's buffer starts no larger than this and grows with the bytes that really arrive. */
const INITIAL_BUFFER_BYTES = 64 * 1024

/** The peer announced a frame that is longer than allowed, or shorter than nothing. The connection cannot go on. */
export class InvalidReceiveError extends Error {
  override readonly name = 'InvalidReceiveError'
  readonly size: number

  constructor(size: number, maxSize: number) {
    super(`invalid receive: frame of ${size} bytes announced, must be 0 to ${maxSize}`)
    this.size = size
  }
}

/**
 * One size-prefixed frame on its way in. The pool is asked for the announced size, but memory is taken only as bytes
 * arrive: a peer that announces 100 MiB and sends nothing costs a few bytes.
 */
export class NetworkReceive {
  /** Id of the channel it comes from. */
  readonly source: string
  readonly #maxSize: number
  readonly #memoryPool: MemoryPool
  readonly #sizeBuffer = Buffer.allocUnsafe(SIZE_BYTES)
  #sizeRead = 0
  #size = -1
  #allocated = false
  #bookedBytes = 0
  #buffer = Buffer.alloc(0)
  #filled = 0

  constructor(source: string, maxSize: number, memoryPool: MemoryPool) {
    this.source = source
    this.#maxSize = maxSize
    this.#memoryPool = memoryPool
  }

  /** The frame without its size. Only when complete; the receiver owns the bytes. */
  get payload(): Buffer {
    if (!this.complete)
      throw new Error(`frame from ${this.source} is not complete: ${this.#filled} of ${this.#size} bytes`)
    return this.#buffer
  }

  get complete(): boolean {
    return this.#allocated && this.#filled === this.#size
  }

  get requiredMemoryAmountKnown(): boolean {
    return this.#size >= 0
  }

  get memoryAllocated(): boolean {
    return this.#allocated
  }

  /**
   * Reads at most `budget` bytes. Returns how many, −1 at the end of the stream. Stops, with the size known and the memory
   * not allocated, when the pool refuses. Throws `InvalidReceiveError`, `NetworkError`.
   */
  readFrom(connection: Connection, budget: number): number {
    let total = 0
    while (this.#sizeRead < SIZE_BYTES) {
      const chunk = connection.read(SIZE_BYTES - this.#sizeRead)
      if (chunk === END_OF_STREAM) return -1
      if (chunk === null) return total
      chunk.copy(this.#sizeBuffer, this.#sizeRead)
      this.#sizeRead += chunk.length
      total += chunk.length
    }
    if (!this.#allocated && !this.#allocate()) return total
    while (this.#filled < this.#size && total < budget) {
      const chunk = connection.read(Math.min(this.#size - this.#filled, budget - total))
      if (chunk === END_OF_STREAM) return -1
      if (chunk === null) return total
      this.#append(chunk)
      total += chunk.length
    }
    return total
  }

  /** Gives the booked memory back to the pool. Idempotent. */
  release(): void {
    const bytes = this.#bookedBytes
    this.#bookedBytes = 0
    if (bytes > 0) this.#memoryPool.release(bytes)
  }

  #allocate(): boolean {
    if (this.#size < 0) {
      const size = this.#sizeBuffer.readInt32BE(0)
      if (size < 0 || size > this.#maxSize) throw new InvalidReceiveError(size, this.#maxSize)
      this.#size = size
    }
    if (this.#size > 0 && !this.#memoryPool.tryAllocate(this.#size)) return false
    this.#bookedBytes = this.#size
    this.#allocated = true
    this.#buffer = Buffer.allocUnsafe(Math.min(this.#size, INITIAL_BUFFER_BYTES))
    return true
  }

  #append(chunk: Buffer): void {
    const needed = this.#filled + chunk.length
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.#size, Math.max(needed, this.#buffer.length * 2)))
      this.#buffer.copy(grown, 0, 0, this.#filled)
      this.#buffer = grown
    }
    chunk.copy(this.#buffer, this.#filled)
    this.#filled = needed
  }
}
