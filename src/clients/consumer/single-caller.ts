import { ConcurrentModificationException } from './consumer-errors.ts'

/**
 * Lets one call at a time into a consumer: it has no locks (KafkaConsumer.acquire). Callbacks run within a call, and may make
 * calls themselves, one at a time.
 */
export class SingleCaller {
  #depth = 0
  /** Depths at which callbacks run, the innermost last. */
  readonly #callbacks: number[] = []

  /** @throws ConcurrentModificationException while another call is under way */
  async run<T>(body: () => Promise<T>): Promise<T> {
    this.#enter()
    try {
      return await body()
    } finally {
      this.#depth--
    }
  }

  /** As `run`, for a call that does not wait. */
  runSync<T>(body: () => T): T {
    this.#enter()
    try {
      return body()
    } finally {
      this.#depth--
    }
  }

  /** Runs code of the application, which may call the consumer. */
  async callback<T>(body: () => T | Promise<T>): Promise<T> {
    this.#callbacks.push(this.#depth)
    try {
      return await body()
    } finally {
      this.#callbacks.pop()
    }
  }

  #enter(): void {
    if (this.#depth > 0 && this.#callbacks.at(-1) !== this.#depth) {
      throw new ConcurrentModificationException(
        'KafkaConsumer takes one call at a time: wait for the end of the one before; only wakeup may be called meanwhile',
      )
    }
    this.#depth++
  }
}
