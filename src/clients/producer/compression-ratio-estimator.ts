const IMPROVING_STEP = 0.005
const DETERIORATE_STEP = 0.05

/**
 * How well the records of each topic are compressed, quick to believe the worse and slow to believe the better (Kafka's
 * CompressionRatioEstimator, which is one for a whole process; here each producer has its own).
 */
export class CompressionRatioEstimator {
  readonly #ratios = new Map<string, number>()

  /** Compressed bytes for each uncompressed one; 1 for a topic of which nothing is known. */
  estimation(topic: string): number {
    return this.#ratios.get(topic) ?? 1
  }

  /** Takes what was observed of one batch. */
  updateEstimation(topic: string, observedRatio: number): void {
    const current = this.estimation(topic)
    if (observedRatio > current) this.#ratios.set(topic, Math.max(current + DETERIORATE_STEP, observedRatio))
    else if (observedRatio < current) this.#ratios.set(topic, Math.max(current - IMPROVING_STEP, observedRatio))
  }

  setEstimation(topic: string, ratio: number): void {
    this.#ratios.set(topic, ratio)
  }
}
