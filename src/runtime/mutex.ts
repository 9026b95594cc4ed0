import { Fifo } from './fifo.ts'
import type { Parker, Runtime } from './runtime.ts'

/** A fair lock: threads get it in the order in which they asked. Not reentrant. */
export class Mutex {
  readonly #runtime: Runtime
  readonly #reason: string
  readonly #queue = new Fifo<Parker>()
  #locked = false

  constructor(runtime: Runtime, name: string) {
    this.#runtime = runtime
    this.#reason = `lock ${name}`
  }

  get locked(): boolean {
    return this.#locked
  }

  /** Runs `body` while holding the lock; lets go of it when the body settles, either way. */
  async runExclusive<T>(body: () => Promise<T> | T): Promise<T> {
    if (this.#locked) {
      const parker = this.#runtime.threads.park(this.#reason)
      this.#queue.push(parker)
      await parker.parked // the lock was handed over, not released
    } else {
      this.#locked = true
    }
    try {
      return await body()
    } finally {
      const next = this.#queue.shift()
      if (next === undefined) this.#locked = false
      else next.unpark()
    }
  }
}
