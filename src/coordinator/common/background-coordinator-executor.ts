import { ApiError } from '../../protocol/errors.ts'
import type { CoordinatorExecutor } from './coordinator-executor.ts'
import type { CoordinatorResult } from './coordinator-result.ts'
import type { TimeoutOperation } from './coordinator-timer.ts'

export interface BackgroundCoordinatorExecutorOptions<R> {
  /** Runs a body on the thread that all shards share, after those that wait already. */
  readonly runInBackground: (name: string, body: () => Promise<void>) => void
  /** Runs an operation as a write of the shard. Rejects as `CoordinatorRuntime.scheduleWriteOperation` does. */
  readonly scheduleWrite: (name: string, operation: TimeoutOperation<R>) => Promise<void>
  readonly onUnexpectedError: (error: unknown, where: string) => void
}

/**
 * Tasks of a shard on the background thread of its runtime (Kafka's CoordinatorExecutorImpl). What waits there is bounded by
 * the keys: one task each.
 */
export class BackgroundCoordinatorExecutor<R> implements CoordinatorExecutor<R> {
  readonly #options: BackgroundCoordinatorExecutorOptions<R>
  /** What tells a key's task from one that was cancelled. */
  readonly #tasks = new Map<string, symbol>()

  constructor(options: BackgroundCoordinatorExecutorOptions<R>) {
    this.#options = options
  }

  schedule<T>(key: string, task: () => T, operation: (result: T) => CoordinatorResult<void, R>): boolean {
    if (this.#tasks.has(key)) return false
    const id = Symbol(key)
    this.#tasks.set(key, id)
    this.#options.runInBackground(key, async () => {
      if (this.#tasks.get(key) !== id) return
      let result: T
      try {
        result = task()
      } catch (error) {
        this.#tasks.delete(key)
        this.#options.onUnexpectedError(error, `task ${key}`)
        return
      }
      // The next task need not wait until this is committed.
      void this.#write(key, id, () => operation(result))
    })
    return true
  }

  isScheduled(key: string): boolean {
    return this.#tasks.has(key)
  }

  cancel(key: string): void {
    this.#tasks.delete(key)
  }

  cancelAll(): void {
    this.#tasks.clear()
  }

  async #write(key: string, id: symbol, operation: TimeoutOperation<R>): Promise<void> {
    try {
      await this.#options.scheduleWrite(`task ${key}`, () => {
        if (this.#tasks.get(key) !== id) return NOTHING
        this.#tasks.delete(key)
        return operation()
      })
    } catch (error) {
      if (this.#tasks.get(key) === id) this.#tasks.delete(key)
      if (!(error instanceof ApiError)) this.#options.onUnexpectedError(error, `task ${key}`)
    }
  }
}

const NOTHING: CoordinatorResult<void, never> = { records: [], response: undefined }
