import { Condition } from '../runtime/condition.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** Many readers or one writer. A writer that waits keeps new readers out. Not reentrant. */
export class ReadWriteLock {
  readonly #free: Condition
  #readers = 0
  #writing = false
  #writersWaiting = 0

  constructor(runtime: Runtime, name: string) {
    this.#free = new Condition(runtime, `lock ${name}`)
  }

  async read<T>(body: () => Promise<T> | T): Promise<T> {
    while (this.#writing || this.#writersWaiting > 0) await this.#free.wait()
    this.#readers++
    try {
      return await body()
    } finally {
      this.#readers--
      if (this.#readers === 0) this.#free.signalAll()
    }
  }

  async write<T>(body: () => Promise<T> | T): Promise<T> {
    this.#writersWaiting++
    while (this.#writing || this.#readers > 0) await this.#free.wait()
    this.#writersWaiting--
    this.#writing = true
    try {
      return await body()
    } finally {
      this.#writing = false
      this.#free.signalAll()
    }
  }
}
