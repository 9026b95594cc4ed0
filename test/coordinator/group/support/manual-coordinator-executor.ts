import type { CoordinatorExecutor } from '../../../../src/coordinator/common/coordinator-executor.ts'
import type { CoordinatorResult } from '../../../../src/coordinator/common/coordinator-result.ts'
import type { TimeoutOperation } from '../../../../src/coordinator/common/coordinator-timer.ts'

/** A shard's executor whose tasks run when the test says so. */
export class ManualCoordinatorExecutor<R> implements CoordinatorExecutor<R> {
  readonly #tasks = new Map<string, () => TimeoutOperation<R>>()
  readonly #write: (operation: TimeoutOperation<R>) => void

  /** `write` does an operation as the shard would. */
  constructor(write: (operation: TimeoutOperation<R>) => void) {
    this.#write = write
  }

  /** The keys of the tasks that are under way. */
  get keys(): string[] {
    return [...this.#tasks.keys()]
  }

  schedule<T>(key: string, task: () => T, operation: (result: T) => CoordinatorResult<void, R>): boolean {
    if (this.#tasks.has(key)) return false
    this.#tasks.set(key, () => {
      const result = task()
      return () => operation(result)
    })
    return true
  }

  isScheduled(key: string): boolean {
    return this.#tasks.has(key)
  }

  cancel(key: string): void {
    this.#tasks.delete(key)
  }

  /** Runs the tasks that are under way and writes what comes of them; `meanwhile` happens before that is written. */
  run(meanwhile: () => void = () => {}): void {
    const results = [...this.#tasks].map(([key, task]) => ({ key, operation: task() }))
    meanwhile()
    for (const { key, operation } of results) {
      if (this.#tasks.delete(key)) this.#write(operation)
    }
  }
}
