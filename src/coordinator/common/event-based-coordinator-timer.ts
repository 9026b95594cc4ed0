import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { SystemTimer } from '../../runtime/system-timer.ts'
import type { TimerTask } from '../../runtime/timer-task.ts'
import { CallbackTask } from './callback-task.ts'
import type { CoordinatorResult } from './coordinator-result.ts'
import type { CoordinatorTimer, TimeoutOperation } from './coordinator-timer.ts'

/** How long until an operation is tried again whose records could not be appended. */
const RETRY_BACKOFF_MS = 500

/** After these the shard is not here any more, and its timers are none of this broker's business. */
const COORDINATOR_IS_GONE: ReadonlySet<number> = new Set([
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
])

/** Runs an operation as a write of the shard. Rejects as `CoordinatorRuntime.scheduleWriteOperation` does. */
export type ScheduleTimeout<R> = (name: string, operation: TimeoutOperation<R>) => Promise<void>

/**
 * Timers whose operations are writes of their shard (Kafka's EventBasedCoordinatorTimer): one that is cancelled or set anew
 * does not run even when its event waits for its turn already. There is one timer a key.
 */
export class EventBasedCoordinatorTimer<R> implements CoordinatorTimer<R> {
  readonly #timer: SystemTimer
  readonly #scheduleTimeout: ScheduleTimeout<R>
  readonly #onUnexpectedError: (error: unknown, where: string) => void
  readonly #tasks = new Map<string, TimerTask>()

  constructor(
    timer: SystemTimer,
    scheduleTimeout: ScheduleTimeout<R>,
    onUnexpectedError: (error: unknown, where: string) => void,
  ) {
    this.#timer = timer
    this.#scheduleTimeout = scheduleTimeout
    this.#onUnexpectedError = onUnexpectedError
  }

  get size(): number {
    return this.#tasks.size
  }

  schedule(key: string, delayMs: number, operation: TimeoutOperation<R>): void {
    const task = new CallbackTask(delayMs, () => void this.#expire(key, task, operation))
    this.#tasks.get(key)?.cancel()
    this.#tasks.set(key, task)
    this.#timer.add(task)
  }

  scheduleIfAbsent(key: string, delayMs: number, operation: TimeoutOperation<R>): void {
    if (!this.#tasks.has(key)) this.schedule(key, delayMs, operation)
  }

  cancel(key: string): void {
    this.#tasks.get(key)?.cancel()
    this.#tasks.delete(key)
  }

  isScheduled(key: string): boolean {
    return this.#tasks.has(key)
  }

  cancelAll(): void {
    for (const task of this.#tasks.values()) task.cancel()
    this.#tasks.clear()
  }

  async #expire(key: string, task: TimerTask, operation: TimeoutOperation<R>): Promise<void> {
    const name = `timeout ${key}`
    let begun = false
    let refused = false
    try {
      await this.#scheduleTimeout(name, () => {
        if (this.#tasks.get(key) !== task) return NOTHING
        begun = true
        this.#tasks.delete(key)
        try {
          return operation()
        } catch (error) {
          refused = error instanceof ApiError
          throw error
        }
      })
    } catch (error) {
      if (refused) return
      if (error instanceof ApiError && COORDINATOR_IS_GONE.has(error.code)) return
      if (!(error instanceof ApiError)) this.#onUnexpectedError(error, name)
      // Set anew meanwhile, by whoever wants something else of it now: that one counts.
      if (begun && !this.#tasks.has(key)) this.schedule(key, RETRY_BACKOFF_MS, operation)
    }
  }
}

const NOTHING: CoordinatorResult<void, never> = { records: [], response: undefined }
