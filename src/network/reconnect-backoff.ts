import type { RandomStream } from '../runtime/runtime.ts'

/** Share by which a pause is longer or shorter, so that not all peers come back at once. */
const JITTER = 0.2

export interface ReconnectBackoffOptions {
  /** `reconnect.backoff.ms`: pause after the first failure; doubles with each further one in a row. */
  readonly initialMs: number
  /** `reconnect.backoff.max.ms` */
  readonly maxMs: number
  readonly random: RandomStream
}

/** When a peer may be connected to again (the reconnect backoff of Kafka's ClusterConnectionStates, KIP-144). */
export class ReconnectBackoff {
  readonly #options: ReconnectBackoffOptions
  #nextMs: number
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(options: ReconnectBackoffOptions) {
    this.#options = options
    this.#nextMs = options.initialMs
  }

  /** Until a connection may be tried; 0: now. */
  remainingMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs)
  }

  onConnected(): void {
    this.#nextMs = this.#options.initialMs
  }

  /** A connection was not made, or has ended. */
  onDisconnected(nowMs: number): void {
    const { maxMs, random } = this.#options
    const factor = 1 - JITTER + 2 * JITTER * random.float()
    this.#notBeforeMs = nowMs + Math.min(Math.floor(factor * this.#nextMs), maxMs)
    this.#nextMs = Math.min(2 * this.#nextMs, maxMs)
  }
}
