import type { CoordinatorTimer, TimeoutOperation } from '../../../../src/coordinator/common/coordinator-timer.ts'

interface Entry<R> {
  readonly key: string
  readonly dueMs: number
  readonly operation: TimeoutOperation<R>
}

/** A shard's timers over a time that the test moves. Those due at once run in the order in which they were set. */
export class ManualCoordinatorTimer<R> implements CoordinatorTimer<R> {
  readonly #entries = new Map<string, Entry<R>>()
  readonly #run: (operation: TimeoutOperation<R>) => void
  #nowMs = 0

  /** `run` does an operation whose time has come, as the shard would. */
  constructor(run: (operation: TimeoutOperation<R>) => void) {
    this.#run = run
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** The names of the timers that are set. */
  get keys(): string[] {
    return [...this.#entries.keys()].sort()
  }

  /** Milliseconds until the timer of this name ends. */
  remainingMs(key: string): number | undefined {
    const entry = this.#entries.get(key)
    return entry === undefined ? undefined : entry.dueMs - this.#nowMs
  }

  schedule(key: string, delayMs: number, operation: TimeoutOperation<R>): void {
    this.#entries.delete(key)
    this.#entries.set(key, { key, dueMs: this.#nowMs + delayMs, operation })
  }

  scheduleIfAbsent(key: string, delayMs: number, operation: TimeoutOperation<R>): void {
    if (!this.#entries.has(key)) this.schedule(key, delayMs, operation)
  }

  cancel(key: string): void {
    this.#entries.delete(key)
  }

  isScheduled(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Lets time pass, and what falls due on the way be done. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#entries.delete(next.key)
      this.#nowMs = next.dueMs
      this.#run(next.operation)
    }
    this.#nowMs = untilMs
  }

  #next(untilMs: number): Entry<R> | undefined {
    let next: Entry<R> | undefined
    for (const entry of this.#entries.values()) {
      if (entry.dueMs <= untilMs && (next === undefined || entry.dueMs < next.dueMs)) next = entry
    }
    return next
  }
}
