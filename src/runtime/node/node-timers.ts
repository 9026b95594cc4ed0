import type { Timer, Timers } from '../runtime.ts'
import { type CrashHandler, guarded } from './crash.ts'

/** The longest delay that `setTimeout` takes; it turns longer ones into 1 ms. */
const LONGEST_DELAY_MS = 2_147_483_647

/** Timers on the process's event loop. */
export class NodeTimers implements Timers {
  readonly #onCrash: CrashHandler

  constructor(onCrash: CrashHandler) {
    this.#onCrash = onCrash
  }

  after(delayMs: number, callback: () => void): Timer {
    if (!(delayMs >= 0)) throw new RangeError(`a timer's delay must be at least 0 ms, not ${delayMs}`)
    return new NodeTimer(delayMs, guarded(callback, 'timer', this.#onCrash))
  }
}

class NodeTimer implements Timer {
  readonly #deadlineMs: number
  readonly #callback: () => void
  #timeout: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(delayMs: number, callback: () => void) {
    this.#deadlineMs = performance.now() + delayMs
    this.#callback = callback
    this.#arm()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
  }

  #arm(): void {
    const leftMs = this.#deadlineMs - performance.now()
    if (leftMs <= 0) this.#immediate = setImmediate(this.#callback)
    else this.#timeout = setTimeout(() => this.#ring(), Math.min(Math.ceil(leftMs), LONGEST_DELAY_MS))
  }

  /** `setTimeout` counts from the event loop's idea of now and may ring early by up to a millisecond. */
  #ring(): void {
    if (performance.now() >= this.#deadlineMs) this.#callback()
    else this.#arm()
  }
}
