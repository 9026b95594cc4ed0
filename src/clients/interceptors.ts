/** What all interceptors have. */
export interface Interceptor {
  /** Called when the client closes. */
  close?(): void
}

/**
 * Interceptors in the order in which they were given (Kafka's ProducerInterceptors and ConsumerInterceptors). None can break
 * the client: what one throws is reported and otherwise ignored, and the next one goes on with what the last good one gave.
 */
export class Interceptors<I extends Interceptor> {
  readonly #interceptors: readonly I[]
  readonly #onWarning: (message: string) => void

  constructor(interceptors: readonly I[], onWarning: (message: string) => void) {
    this.#interceptors = interceptors
    this.#onWarning = onWarning
  }

  get isEmpty(): boolean {
    return this.#interceptors.length === 0
  }

  /** Hands a value through all of them. @param what names the call in reports: `onSend` */
  transform<T>(what: string, value: T, call: (interceptor: I, value: T) => T): T {
    let current = value
    for (const interceptor of this.#interceptors) {
      this.#guarded(what, () => {
        current = call(interceptor, current)
      })
    }
    return current
  }

  /** Tells all of them. */
  notify(what: string, call: (interceptor: I) => void): void {
    for (const interceptor of this.#interceptors) this.#guarded(what, () => call(interceptor))
  }

  close(): void {
    this.notify('close', interceptor => interceptor.close?.())
  }

  #guarded(what: string, body: () => void): void {
    try {
      body()
    } catch (error) {
      this.#onWarning(`error in ${what} of an interceptor: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
