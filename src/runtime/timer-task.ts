/** Something to run once after a delay, unless it is cancelled before. */
export abstract class TimerTask {
  /** Milliseconds, whole or not; 0 or less is due at once. */
  readonly delayMs: number
  #takeOut: (() => void) | undefined
  #cancelled = false

  constructor(delayMs: number) {
    if (Number.isNaN(delayMs)) throw new RangeError('a timer task needs a delay in milliseconds, not NaN')
    this.delayMs = delayMs
  }

  abstract run(): void

  get cancelled(): boolean {
    return this.#cancelled
  }

  /** Keeps the task from being run by its timer. Idempotent; without effect once it is being run. */
  cancel(): void {
    this.#cancelled = true
    const takeOut = this.#takeOut
    this.#takeOut = undefined
    takeOut?.()
  }

  /** The timer's call when it takes the task in: how to take it out again. A task is in one timer at a time. */
  attach(takeOut: () => void): void {
    if (this.#takeOut !== undefined) throw new Error('the task is in a timer already')
    this.#takeOut = takeOut
  }

  /** The timer's call before it runs the task. */
  detach(): void {
    this.#takeOut = undefined
  }
}

/** A task's place in a timer. */
export interface TimerTaskEntry {
  readonly task: TimerTask
  /** Whole milliseconds on the monotonic clock. */
  readonly expirationMs: number
  /** The wheel's: where the entry lies. */
  bucket: Set<TimerTaskEntry> | undefined
}
