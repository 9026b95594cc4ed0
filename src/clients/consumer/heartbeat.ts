import type { Runtime } from '../../runtime/runtime.ts'
import type { ExponentialBackoff } from '../exponential-backoff.ts'
import type { GroupRebalanceConfig } from './group-rebalance-config.ts'
import { Timer } from './timer.ts'

/** When heartbeats are due, and when session or poll interval are over (Kafka's Heartbeat). */
export class Heartbeat {
  readonly #runtime: Runtime
  readonly #config: GroupRebalanceConfig
  readonly #retryBackoff: ExponentialBackoff
  readonly #heartbeatTimer: Timer
  readonly #sessionTimer: Timer
  readonly #pollTimer: Timer
  #attempts = 0
  #lastSendMs: number | undefined

  constructor(runtime: Runtime, config: GroupRebalanceConfig, retryBackoff: ExponentialBackoff) {
    this.#runtime = runtime
    this.#config = config
    this.#retryBackoff = retryBackoff
    this.#heartbeatTimer = new Timer(runtime, config.heartbeatIntervalMs)
    this.#sessionTimer = new Timer(runtime, config.sessionTimeoutMs)
    this.#pollTimer = new Timer(runtime, config.rebalanceTimeoutMs)
  }

  /** On the monotonic clock; undefined: never. */
  get lastSendMs(): number | undefined {
    return this.#lastSendMs
  }

  get shouldHeartbeat(): boolean {
    return this.#heartbeatTimer.isExpired
  }

  get timeToNextHeartbeatMs(): number {
    return this.#heartbeatTimer.remainingMs
  }

  /** No answer to a heartbeat has come for `session.timeout.ms`. */
  get sessionTimeoutExpired(): boolean {
    return this.#sessionTimer.isExpired
  }

  /** The application has not polled for `max.poll.interval.ms`. */
  get pollTimeoutExpired(): boolean {
    return this.#pollTimer.isExpired
  }

  /** Until any of these comes to pass. */
  get timeToNextEventMs(): number {
    return Math.min(this.#heartbeatTimer.remainingMs, this.#sessionTimer.remainingMs, this.#pollTimer.remainingMs)
  }

  /** The application polls. */
  poll(): void {
    this.#pollTimer.reset(this.#config.rebalanceTimeoutMs)
  }

  sent(): void {
    this.#lastSendMs = this.#runtime.clock.monotonicMs()
    this.#heartbeatTimer.reset(this.#config.heartbeatIntervalMs)
  }

  failed(): void {
    this.#heartbeatTimer.reset(this.#retryBackoff.backoff(this.#attempts++))
  }

  received(): void {
    this.#attempts = 0
    this.#sessionTimer.reset(this.#config.sessionTimeoutMs)
  }

  resetTimeouts(): void {
    this.resetSessionTimeout()
    this.#pollTimer.reset(this.#config.rebalanceTimeoutMs)
    this.#heartbeatTimer.reset(this.#config.heartbeatIntervalMs)
  }

  resetSessionTimeout(): void {
    this.#sessionTimer.reset(this.#config.sessionTimeoutMs)
  }
}
