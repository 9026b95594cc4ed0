import { Condition } from './condition.ts'
import type { Runtime } from './runtime.ts'

/** A first-in first-out queue with a bound: `put` waits while it is full, `take` while it is empty. */
export class BoundedQueue<T> {
  readonly capacity: number
  readonly #runtime: Runtime
  readonly #items: T[] = []
  readonly #notEmpty: Condition
  readonly #notFull: Condition

  /** @param capacity items it holds at most, ≥ 1 */
  constructor(runtime: Runtime, name: string, capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`queue ${name}: capacity must be a whole number of at least 1, not ${capacity}`)
    }
    this.capacity = capacity
    this.#runtime = runtime
    this.#notEmpty = new Condition(runtime, `${name} empty`)
    this.#notFull = new Condition(runtime, `${name} full`)
  }

  get size(): number {
    return this.#items.length
  }

  get full(): boolean {
    return this.#items.length >= this.capacity
  }

  /** Adds an item, waiting for room as long as it takes. Returns whether it had to wait. */
  async put(item: T): Promise<boolean> {
    let waited = false
    while (this.full) {
      waited = true
      await this.#notFull.wait()
    }
    this.#add(item)
    return waited
  }

  /** Adds an item if there is room now. */
  offer(item: T): boolean {
    if (this.full) return false
    this.#add(item)
    return true
  }

  /** Takes the oldest item, waiting for one; undefined when `timeoutMs` is given and runs out first. */
  async take(timeoutMs?: number): Promise<T | undefined> {
    if (timeoutMs === undefined) {
      // Another thread may have taken the item that this one was woken for.
      while (this.#items.length === 0) await this.#notEmpty.wait()
    } else if (this.#items.length === 0 && !(await this.#waitForItem(timeoutMs))) {
      return undefined
    }
    return this.poll()
  }

  /** Waits for the next item that is added: for who has seen that there is none. Another thread may take it first. */
  awaitItem(): Promise<void> {
    return this.#notEmpty.wait()
  }

  /** The oldest item, or undefined when there is none now. */
  poll(): T | undefined {
    const item = this.#items.shift()
    if (item !== undefined) this.#notFull.signal()
    return item
  }

  async #waitForItem(timeoutMs: number): Promise<boolean> {
    const clock = this.#runtime.clock
    const deadlineMs = clock.monotonicMs() + timeoutMs
    do {
      // When the item was taken by another thread, what is left of the time counts.
      if (!(await this.#notEmpty.wait(Math.max(0, deadlineMs - clock.monotonicMs())))) return this.#items.length > 0
    } while (this.#items.length === 0)
    return true
  }

  #add(item: T): void {
    this.#items.push(item)
    this.#notEmpty.signal()
  }
}
