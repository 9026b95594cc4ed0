import { IllegalStateException, KafkaError } from '../errors.ts'

export interface RequestFutureListener<T> {
  onSuccess?(value: T): void
  onFailure?(error: Error): void
}

/**
 * The result of a request that a poll of the `ConsumerNetworkClient` brings (Kafka's RequestFuture). Unlike those of a
 * promise its listeners run at once, on the thread that polls, in the order in which they were added.
 */
export class RequestFuture<T> {
  #result: { readonly value: T } | { readonly error: Error } | undefined
  readonly #listeners: RequestFutureListener<T>[] = []

  static success<T>(value: T): RequestFuture<T> {
    const future = new RequestFuture<T>()
    future.complete(value)
    return future
  }

  static failure<T>(error: Error): RequestFuture<T> {
    const future = new RequestFuture<T>()
    future.raise(error)
    return future
  }

  get isDone(): boolean {
    return this.#result !== undefined
  }

  get succeeded(): boolean {
    return this.#result !== undefined && 'value' in this.#result
  }

  get failed(): boolean {
    return this.#result !== undefined && 'error' in this.#result
  }

  /** @throws IllegalStateException when it has not succeeded */
  get value(): T {
    if (this.#result === undefined || !('value' in this.#result)) {
      throw new IllegalStateException('a request that has not succeeded has no value')
    }
    return this.#result.value
  }

  /** @throws IllegalStateException when it has not failed */
  get exception(): Error {
    if (this.#result === undefined || !('error' in this.#result)) {
      throw new IllegalStateException('a request that has not failed has no exception')
    }
    return this.#result.error
  }

  /** Whether it failed, and may succeed when it is tried again. */
  get isRetriable(): boolean {
    return this.#result !== undefined && 'error' in this.#result && isRetriable(this.#result.error)
  }

  complete(value: T): void {
    this.#settle({ value })
    for (const listener of this.#listeners.splice(0)) listener.onSuccess?.(value)
  }

  raise(error: Error): void {
    this.#settle({ error })
    for (const listener of this.#listeners.splice(0)) listener.onFailure?.(error)
  }

  addListener(listener: RequestFutureListener<T>): void {
    if (this.#result === undefined) this.#listeners.push(listener)
    else if ('value' in this.#result) listener.onSuccess?.(this.#result.value)
    else listener.onFailure?.(this.#result.error)
  }

  /**
   * A future for what `onSuccess` makes of this one's value; what it throws is the new one's failure. A failure passes
   * `onFailure` and goes on.
   */
  compose<S>(
    onSuccess: (value: T, future: RequestFuture<S>) => void,
    onFailure?: (error: Error) => void,
  ): RequestFuture<S> {
    const future = new RequestFuture<S>()
    this.addListener({
      onSuccess: value => {
        try {
          onSuccess(value, future)
        } catch (error) {
          if (future.isDone || !(error instanceof Error)) throw error
          future.raise(error)
        }
      },
      onFailure: error => {
        onFailure?.(error)
        future.raise(error)
      },
    })
    return future
  }

  /** Lets another future end as this one does. */
  chain(future: RequestFuture<T>): void {
    this.addListener({ onSuccess: value => future.complete(value), onFailure: error => future.raise(error) })
  }

  #settle(result: { readonly value: T } | { readonly error: Error }): void {
    if (this.#result !== undefined) throw new IllegalStateException('a request is settled twice')
    this.#result = result
  }
}

export function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable
}
