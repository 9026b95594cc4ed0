import { Condition } from '../../runtime/condition.ts'
import type { Runtime } from '../../runtime/runtime.ts'

/** How long a call may still take (Kafka's common.utils.Timer), on the monotonic clock. */
export class Timer {
  readonly #runtime: Runtime
  #startMs: number
  #timeoutMs: number

  /** @param timeoutMs ≥ 0; Infinity: for ever */
  constructor(runtime: Runtime, timeoutMs: number) {
    this.#runtime = runtime
    this.#startMs = runtime.clock.monotonicMs()
    this.#timeoutMs = timeoutMs
  }

  get timeoutMs(): number {
    return this.#timeoutMs
  }

  get elapsedMs(): number {
    return this.#runtime.clock.monotonicMs() - this.#startMs
  }

  /** 0 when it is over. */
  get remainingMs(): number {
    return Math.max(0, this.#timeoutMs - this.elapsedMs)
  }

  get isExpired(): boolean {
    return this.remainingMs <= 0
  }

  get notExpired(): boolean {
    return !this.isExpired
  }

  /** Begins again. */
  reset(timeoutMs: number): void {
    this.#startMs = this.#runtime.clock.monotonicMs()
    this.#timeoutMs = timeoutMs
  }

  /** Waits, but not longer than the timer runs. */
  async sleep(durationMs: number): Promise<void> {
    const sleepMs = Math.min(durationMs, this.remainingMs)
    if (sleepMs > 0) await new Condition(this.#runtime, 'Timer.sleep').wait(sleepMs)
  }
}
