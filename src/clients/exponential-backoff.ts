import type { RandomStream } from '../runtime/runtime.ts'

export interface ExponentialBackoffOptions {
  readonly initialIntervalMs: number
  readonly multiplier: number
  readonly maxIntervalMs: number
  /** Share by which an interval is longer or shorter, in [0, 1]. */
  readonly jitter: number
  /** Draws the jitter. */
  readonly random: RandomStream
}

/**
 * Growing pauses: `initial * multiplier^attempts`, at most `max`, a share of it at random (Kafka's ExponentialBackoff).
 * Constant, without jitter, when `maxIntervalMs` is not above `initialIntervalMs`.
 */
export class ExponentialBackoff {
  readonly #options: ExponentialBackoffOptions
  readonly #initialIntervalMs: number

  /** @throws RangeError for a jitter outside [0, 1] */
  constructor(options: ExponentialBackoffOptions) {
    const { initialIntervalMs, maxIntervalMs, jitter } = options
    if (!(jitter >= 0 && jitter <= 1)) throw new RangeError(`jitter must be between 0 and 1, not ${jitter}`)
    this.#options = options
    this.#initialIntervalMs = Math.min(initialIntervalMs, maxIntervalMs)
  }

  /** The pause in whole milliseconds after `attempts` (≥ 0) earlier ones. Draws from the stream. */
  backoff(attempts: number): number {
    const { initialIntervalMs, multiplier, maxIntervalMs, jitter, random } = this.#options
    if (maxIntervalMs <= initialIntervalMs) return this.#initialIntervalMs
    // An initial interval of 0 stays 0 (Kafka's term is 0 times a power).
    let term = this.#initialIntervalMs
    for (let attempt = 0; attempt < attempts && term > 0 && term < maxIntervalMs; attempt++) term *= multiplier
    const factor = jitter === 0 ? 1 : 1 - jitter + 2 * jitter * random.float()
    return Math.min(Math.floor(factor * Math.min(term, maxIntervalMs)), maxIntervalMs)
  }
}
