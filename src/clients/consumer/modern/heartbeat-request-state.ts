import type { Runtime } from '../../../runtime/runtime.ts'
import type { ExponentialBackoff } from '../../exponential-backoff.ts'
import { Timer } from '../timer.ts'

/** When the next heartbeat is due: after the interval that the coordinator told, one at a time (Kafka's HeartbeatRequestState). */
export class HeartbeatRequestState {
  readonly #runtime: Runtime
  readonly #retryBackoff: ExponentialBackoff
  readonly #timer: Timer
  #intervalMs = 0
  #inFlight = false
  #attempts = 0
  /** On the monotonic clock. */
  #nextAttemptMs = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime, retryBackoff: ExponentialBackoff) {
    this.#runtime = runtime
    this.#retryBackoff = retryBackoff
    this.#timer = new Timer(runtime, 0)
  }

  get isInFlight(): boolean {
    return this.#inFlight
  }

  /** 0: now, unless one is in flight. */
  get timeToNextHeartbeatMs(): number {
    return Math.max(this.#timer.remainingMs, this.#nextAttemptMs - this.#runtime.clock.monotonicMs())
  }

  get canSend(): boolean {
    return !this.#inFlight && this.timeToNextHeartbeatMs <= 0
  }

  onSend(): void {
    this.#inFlight = true
    this.#timer.reset(this.#intervalMs)
  }

  onSuccess(intervalMs: number): void {
    this.reset()
    if (intervalMs === this.#intervalMs) return
    this.#intervalMs = intervalMs
    this.#timer.reset(intervalMs)
  }

  /** The next one follows after the backoff. */
  onFailure(): void {
    this.#inFlight = false
    this.#timer.reset(0)
    this.#nextAttemptMs = this.#runtime.clock.monotonicMs() + this.#retryBackoff.backoff(this.#attempts++)
  }

  /** Forgets what was sent and what went wrong. */
  reset(): void {
    this.#inFlight = false
    this.#attempts = 0
    this.#nextAttemptMs = Number.NEGATIVE_INFINITY
  }
}
