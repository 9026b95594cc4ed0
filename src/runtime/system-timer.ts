import type { Runtime, Timer } from './runtime.ts'
import type { TimerTask, TimerTaskEntry } from './timer-task.ts'
import { TimingWheel } from './timing-wheel.ts'

const TICK_MS = 1
const WHEEL_SIZE = 20

/**
 * Runs many delayed tasks, most of which are cancelled before they fall due (Kafka's `SystemTimer`). It holds at most
 * one timer of the host, set for the earliest task. Tasks run one after another in the host's timer, never inside `add`,
 * at the first whole millisecond that is not before their time. What it holds is bounded by what its user adds.
 */
export class SystemTimer {
  readonly #runtime: Runtime
  readonly #wheel: TimingWheel
  /** Due, not run yet. */
  readonly #due = new Set<TimerTaskEntry>()
  #size = 0
  #hostTimer: Timer | undefined
  /** When the host's timer will ring; Infinity when it is not set. */
  #wakeMs = Number.POSITIVE_INFINITY
  #closed = false

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#wheel = new TimingWheel(TICK_MS, WHEEL_SIZE, Math.floor(runtime.clock.monotonicMs()))
  }

  /** Tasks that are neither run nor cancelled. */
  get size(): number {
    return this.#size
  }

  /** Adds a task; one that was cancelled before is ignored, and so is every task once the timer is closed. */
  add(task: TimerTask): void {
    if (task.cancelled || this.#closed) return
    const dueMs = Math.ceil(this.#runtime.clock.monotonicMs() + Math.max(0, task.delayMs))
    const entry: TimerTaskEntry = { task, expirationMs: Math.min(dueMs, Number.MAX_SAFE_INTEGER), bucket: undefined }
    task.attach(() => this.#takeOut(entry))
    this.#size += 1
    if (this.#wheel.add(entry)) {
      this.#wakeAt(entry.expirationMs)
    } else {
      this.#due.add(entry)
      this.#wakeAt(0)
    }
  }

  /** Stops for good: tasks that are left are never run. */
  close(): void {
    this.#closed = true
    this.#hostTimer?.cancel()
    this.#hostTimer = undefined
  }

  #takeOut(entry: TimerTaskEntry): void {
    this.#wheel.remove(entry)
    this.#due.delete(entry)
    this.#size -= 1
    // The host's timer stays set, because cancelling is the common case and has to be cheap. It finds nothing, once.
  }

  #wakeAt(timeMs: number): void {
    if (timeMs >= this.#wakeMs) return
    this.#hostTimer?.cancel()
    this.#wakeMs = timeMs
    const delayMs = Math.max(0, timeMs - this.#runtime.clock.monotonicMs())
    this.#hostTimer = this.#runtime.timers.after(delayMs, () => this.#wake())
  }

  #wake(): void {
    this.#wakeMs = Number.POSITIVE_INFINITY
    this.#hostTimer = undefined
    this.#wheel.advanceTo(Math.floor(this.#runtime.clock.monotonicMs()), entry => this.#due.add(entry))
    try {
      this.#runDue()
    } finally {
      this.#arm() // even when a task threw: those after it still have to run
    }
  }

  #runDue(): void {
    let left = this.#due.size // tasks that these tasks add wait for the next turn, so that a turn ends
    for (const entry of this.#due) {
      if (left === 0 || this.#closed) return
      left -= 1
      this.#due.delete(entry)
      this.#size -= 1
      entry.task.detach()
      entry.task.run()
    }
  }

  #arm(): void {
    if (this.#closed) return
    const wakeMs = this.#due.size > 0 ? 0 : this.#wheel.nextWakeMs
    if (wakeMs < Number.POSITIVE_INFINITY) this.#wakeAt(wakeMs)
  }
}
