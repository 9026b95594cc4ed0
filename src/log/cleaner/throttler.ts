import { Condition } from '../../runtime/condition.ts'
import { Mutex } from '../../runtime/mutex.ts'
import type { Runtime } from '../../runtime/runtime.ts'

/** Keeps a rate down by letting those who cause it wait (Kafka's Throttler); it looks at it every `checkIntervalMs`. */
export class Throttler {
  readonly #runtime: Runtime
  readonly #desiredPerSecond: number
  readonly #checkIntervalMs: number
  readonly #lock: Mutex
  readonly #pause: Condition
  #periodStartMs: number
  #observed = 0
  #stopped = false

  constructor(runtime: Runtime, desiredPerSecond: number, checkIntervalMs = 300) {
    this.#runtime = runtime
    this.#desiredPerSecond = desiredPerSecond
    this.#checkIntervalMs = checkIntervalMs
    this.#lock = new Mutex(runtime, 'throttler')
    this.#pause = new Condition(runtime, 'Throttler.maybeThrottle')
    this.#periodStartMs = runtime.clock.monotonicMs()
  }

  /** Counts `units`, and waits when those of the present period were too many; other threads wait behind this one. */
  maybeThrottle(units: number): Promise<void> {
    return this.#lock.runExclusive(() => {
      this.#observed += units
      return this.#throttle()
    })
  }

  /** Lets everyone go who waits, now and later. */
  shutdown(): void {
    this.#stopped = true
    this.#pause.signalAll()
  }

  async #throttle(): Promise<void> {
    const { clock } = this.#runtime
    const elapsedMs = clock.monotonicMs() - this.#periodStartMs
    if (this.#stopped || elapsedMs <= this.#checkIntervalMs || this.#observed === 0) return
    const dueMs = (this.#observed * 1000) / this.#desiredPerSecond
    const sleepMs = Math.round(dueMs - elapsedMs)
    if (sleepMs > 0) await this.#pause.wait(sleepMs)
    this.#periodStartMs = clock.monotonicMs()
    this.#observed = 0
  }
}
