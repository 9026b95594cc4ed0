interface Sample {
  startMs: number
  sum: number
}

/**
 * A rate over a sliding window of samples (Kafka's Rate over a SampledStat). The window counts as at least all samples but
 * one, so that the first few events after a pause do not look like a high rate.
 */
export class SampledRate {
  readonly #sampleMs: number
  readonly #maxSamples: number
  #samples: Sample[] = []

  /** @param maxSamples samples in the window, ≥ 2 */
  constructor(maxSamples: number, sampleMs: number) {
    this.#maxSamples = maxSamples
    this.#sampleMs = sampleMs
  }

  /** Adds `amount`, negative to take something back. */
  record(amount: number, nowMs: number): void {
    let current = this.#samples.at(-1)
    if (current === undefined || nowMs - current.startMs >= this.#sampleMs) {
      current = { startMs: nowMs, sum: 0 }
      this.#samples.push(current)
      if (this.#samples.length > this.#maxSamples) this.#samples.shift()
    }
    current.sum += amount
  }

  /** Amount per second, and the length of the window in milliseconds that it was measured over. */
  measure(nowMs: number): { readonly perSecond: number; readonly windowMs: number } {
    this.#purge(nowMs)
    const oldestMs = this.#samples[0]?.startMs ?? nowMs
    let windowMs = nowMs - oldestMs
    const missing = this.#maxSamples - 1 - Math.floor(windowMs / this.#sampleMs)
    if (missing > 0) windowMs += missing * this.#sampleMs
    let sum = 0
    for (const sample of this.#samples) sum += sample.sum
    return { perSecond: (sum * 1000) / windowMs, windowMs }
  }

  /** Nothing was recorded within the window. */
  isIdle(nowMs: number): boolean {
    this.#purge(nowMs)
    return this.#samples.length === 0
  }

  #purge(nowMs: number): void {
    const expiredMs = nowMs - this.#maxSamples * this.#sampleMs
    if ((this.#samples[0]?.startMs ?? nowMs) > expiredMs) return
    this.#samples = this.#samples.filter(sample => sample.startMs > expiredMs)
  }
}
