import { ApiError, ErrorCode } from '../../protocol/errors.ts'
import type { CallbackTask } from './callback-task.ts'
import type { CoordinatorContext } from './coordinator-context.ts'
import type { CoordinatorEvent } from './coordinator-event.ts'
import type { CoordinatorResult } from './coordinator-result.ts'
import type { CoordinatorShard } from './coordinator-shard.ts'
import type { DeferredEvent } from './deferred-event-queue.ts'

/** Makes records and an answer of the shard's state, which it must not change: the records do. May throw ApiError. */
export type CoordinatorWriteOperation<S, T, R> = (shard: S) => CoordinatorResult<T, R>

export interface CoordinatorWriteEventOptions<S extends CoordinatorShard<R>, T, R> {
  readonly name: string
  readonly key: string
  readonly timeoutMs: number
  readonly operation: CoordinatorWriteOperation<S, T, R>
  /** The active shard. Throws NOT_COORDINATOR or COORDINATOR_LOAD_IN_PROGRESS when there is none. */
  readonly context: () => CoordinatorContext<S, R>
  /** Runs a task on the shard's turn after a delay. */
  readonly after: (name: string, delayMs: number, task: () => void) => CallbackTask
}

/** An operation that changes a shard's state (Kafka's CoordinatorWriteEvent). */
export class CoordinatorWriteEvent<S extends CoordinatorShard<R>, T, R> implements CoordinatorEvent, DeferredEvent {
  readonly key: string
  /** The answer, once what it says is committed. Rejects with what `operation` throws, and when its records are not. */
  readonly done: Promise<T>
  readonly #options: CoordinatorWriteEventOptions<S, T, R>
  readonly #resolve: (value: T) => void
  readonly #reject: (error: Error) => void
  #isDone = false
  #result: CoordinatorResult<T, R> | undefined
  #timeout: CallbackTask | undefined

  constructor(options: CoordinatorWriteEventOptions<S, T, R>) {
    this.#options = options
    this.key = options.key
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.done = promise
    this.#resolve = resolve
    this.#reject = reject
  }

  async run(): Promise<void> {
    const { name, timeoutMs, operation, context, after } = this.#options
    try {
      const active = context()
      this.#result = operation(active.shard)
      await active.append(this.#result, this)
      if (this.#isDone) return
      const timedOut = () =>
        this.complete(new ApiError(ErrorCode.REQUEST_TIMED_OUT, `${name} was not committed within ${timeoutMs} ms`))
      this.#timeout = after(`${name} timeout`, timeoutMs, timedOut)
    } catch (error) {
      this.complete(error instanceof Error ? error : new Error(String(error)))
    }
  }

  complete(error: Error | undefined): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#timeout?.cancel()
    const result = this.#result
    result?.onAppended?.(error)
    if (error !== undefined) this.#reject(error)
    else if (result === undefined) this.#reject(new Error(`${this.#options.name} is committed before it has run`))
    else this.#resolve(result.response)
  }
}
