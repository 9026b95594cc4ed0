import type { Parker, Runtime } from '../runtime/runtime.ts'

/** The answer to an operation, which another thread waits for. It is settled exactly once; later tries are ignored. */
export class ControllerFuture<R> {
  readonly #parker: Parker
  #outcome: { readonly value: R } | { readonly error: unknown } | undefined

  /** @param reason what it is the answer to, for deadlock reports */
  constructor(runtime: Runtime, reason: string) {
    this.#parker = runtime.threads.park(reason)
  }

  complete(value: R): void {
    this.#settle({ value })
  }

  fail(error: unknown): void {
    this.#settle({ error })
  }

  /** The value, once there is one. Rejects with the error otherwise. */
  async get(): Promise<R> {
    await this.#parker.parked
    if (this.#outcome === undefined) throw new Error('woken without an outcome')
    if ('error' in this.#outcome) throw this.#outcome.error
    return this.#outcome.value
  }

  #settle(outcome: { readonly value: R } | { readonly error: unknown }): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    this.#parker.unpark()
  }
}
