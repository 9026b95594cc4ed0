import type { ApiError } from '../protocol/errors.ts'

interface DeferredResult {
  readonly offset: number
  readonly complete: () => void
  readonly fail: (error: ApiError) => void
}

/** The answers that wait for the commit of what they are answers to (Kafka's DeferredEventQueue). */
export class ControllerPurgatory {
  readonly #deferred: DeferredResult[] = []

  /** To be answered when everything up to `offset`, at least that of the last call, is committed. */
  add(result: DeferredResult): void {
    this.#deferred.push(result)
  }

  completeUpTo(committed: number): void {
    while ((this.#deferred[0]?.offset ?? Number.POSITIVE_INFINITY) <= committed) this.#deferred.shift()?.complete()
  }

  failAll(error: () => ApiError): void {
    for (const deferred of this.#deferred.splice(0)) deferred.fail(error())
  }
}
