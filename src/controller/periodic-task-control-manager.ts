import type { Clock } from '../runtime/runtime.ts'
import type { ControllerResult } from './controller-result.ts'

/** After a run that has not finished its work. */
const IMMEDIATE_PERIOD_MS = 10

/** What the active controller does of itself from time to time. */
export interface PeriodicTask {
  readonly name: string
  readonly periodMs: number
  /** The records to append, and whether there is more to do. */
  readonly run: () => ControllerResult<boolean>
}

/** When which task is due, while this controller is active. Kafka's class of the same name. */
export class PeriodicTaskControlManager {
  readonly #clock: Clock
  readonly #tasks: readonly PeriodicTask[]
  readonly #dueMs = new Map<PeriodicTask, number>()

  constructor(clock: Clock, tasks: readonly PeriodicTask[]) {
    this.#clock = clock
    this.#tasks = tasks
  }

  activate(): void {
    for (const task of this.#tasks) this.#schedule(task, task.periodMs)
  }

  deactivate(): void {
    this.#dueMs.clear()
  }

  /** In monotonic milliseconds; undefined when there is nothing to do. */
  get nextDeadlineMs(): number | undefined {
    let next: number | undefined
    for (const dueMs of this.#dueMs.values()) next = Math.min(next ?? Number.POSITIVE_INFINITY, dueMs)
    return next
  }

  /** Runs one task that is due, if there is one, and lets it be due again later. The records are to be appended. */
  runOne(): ControllerResult<boolean> | undefined {
    const nowMs = this.#clock.monotonicMs()
    for (const [task, dueMs] of this.#dueMs) {
      if (dueMs > nowMs) continue
      const result = task.run()
      this.#schedule(task, result.response ? IMMEDIATE_PERIOD_MS : task.periodMs)
      return result
    }
    return undefined
  }

  #schedule(task: PeriodicTask, delayMs: number): void {
    this.#dueMs.set(task, this.#clock.monotonicMs() + delayMs)
  }
}
