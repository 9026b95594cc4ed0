import { type CrashHandler, guarded } from './crash.ts'

/**
 * The callback of a connection or listener. It is called in a microtask of its own, once for any number of reasons that
 * came up before, so never inside the call that gave the reason.
 */
export class ReadyCallback {
  readonly #onCrash: CrashHandler
  #callback: (() => void) | undefined
  #scheduled = false

  constructor(onCrash: CrashHandler) {
    this.#onCrash = onCrash
  }

  /** Sets the callback and calls it for whatever happened before it was there. */
  set(callback: () => void): void {
    this.#callback = guarded(callback, 'onReady', this.#onCrash)
    this.notify()
  }

  /** No more calls, not even for reasons that came up already. */
  clear(): void {
    this.#callback = undefined
  }

  notify(): void {
    if (this.#scheduled || this.#callback === undefined) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#callback?.()
    })
  }
}
