import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import { clientTimeMs } from '../client-time.ts'
import { BufferExhaustedException, KafkaError } from '../errors.ts'

export interface BufferPoolObserver {
  /** Somebody has waited for memory. */
  onWaited(waitedMs: number): void
  /** Somebody has waited in vain. */
  onExhausted(): void
}

interface Waiter {
  readonly condition: Condition
}

/**
 * The account of `buffer.memory` (Kafka's BufferPool): who wants memory when there is none waits, the longest wait first, and
 * gets what is freed bit by bit. The memory itself is the host's; Kafka's list of free buffers is left to its collector.
 */
export class BufferPool {
  readonly totalMemory: number
  readonly #runtime: Runtime
  readonly #observer: BufferPoolObserver
  readonly #waiters: Waiter[] = []
  #available: number
  #closed = false

  constructor(runtime: Runtime, totalMemory: number, observer: BufferPoolObserver) {
    this.#runtime = runtime
    this.totalMemory = totalMemory
    this.#available = totalMemory
    this.#observer = observer
  }

  get availableMemory(): number {
    return this.#available
  }

  /** How many wait for memory. */
  get queued(): number {
    return this.#waiters.length
  }

  /** Takes the memory if it is there and nobody waits for some; whether it did. Errors as for `allocate`. */
  tryAllocate(size: number): boolean {
    this.#check(size)
    if (this.#waiters.length > 0 || this.#available < size) return false
    this.#available -= size
    return true
  }

  /**
   * Takes the memory, waiting for it.
   *
   * @throws RangeError when there is not so much at all
   * @throws BufferExhaustedException when `maxTimeToBlockMs` is over first; nothing is taken then
   * @throws KafkaError when the producer is closed
   */
  async allocate(size: number, maxTimeToBlockMs: number): Promise<void> {
    if (this.tryAllocate(size)) return
    const waiter: Waiter = { condition: new Condition(this.#runtime, 'BufferPool.allocate') }
    this.#waiters.push(waiter)
    const startMs = this.#nowMs()
    let accumulated = 0
    try {
      while (accumulated < size) {
        const remainingMs = maxTimeToBlockMs - (this.#nowMs() - startMs)
        const signalled = await waiter.condition.wait(Math.max(0, remainingMs))
        if (this.#closed) throw closedWhileAllocating()
        if (!signalled) throw this.#exhausted(size, maxTimeToBlockMs)
        const got = Math.min(size - accumulated, this.#available)
        this.#available -= got
        accumulated += got
      }
      accumulated = 0
    } finally {
      this.#observer.onWaited(this.#nowMs() - startMs)
      this.#available += accumulated
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
      this.#signalFirst()
    }
  }

  /** Gives memory back. */
  deallocate(size: number): void {
    this.#available += size
    this.#signalFirst()
  }

  /** Whoever waits, or comes later, gets an error. */
  close(): void {
    this.#closed = true
    for (const { condition } of this.#waiters) condition.signal()
  }

  #signalFirst(): void {
    if (this.#available > 0) this.#waiters[0]?.condition.signal()
  }

  #check(size: number): void {
    if (this.#closed) throw closedWhileAllocating()
    if (size > this.totalMemory) {
      throw new RangeError(
        `attempt to allocate ${size} bytes, but there is a hard limit of ${this.totalMemory} on memory allocations`,
      )
    }
  }

  #exhausted(size: number, maxTimeToBlockMs: number): BufferExhaustedException {
    this.#observer.onExhausted()
    return new BufferExhaustedException(
      `failed to allocate ${size} bytes within the configured max blocking time ${maxTimeToBlockMs} ms. Total memory: ${this.totalMemory} bytes. Available memory: ${this.#available} bytes.`,
    )
  }

  #nowMs(): number {
    return clientTimeMs(this.#runtime)
  }
}

function closedWhileAllocating(): KafkaError {
  return new KafkaError('Producer closed while allocating memory')
}
