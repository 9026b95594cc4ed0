/** Buckets per power of two: a percentile is at most an eighth too high. */
const SUB_BUCKETS = 8
const POWERS = 42
/** Values are scaled before bucketing so that fractions of a millisecond stay apart. */
const SCALE = 64

/**
 * Distribution of non-negative values in fixed memory: count, sum, extremes and percentiles from logarithmic buckets.
 * Kafka samples into a random reservoir instead; buckets need no randomness and never forget an extreme.
 */
export class Histogram {
  readonly #buckets = new Map<number, number>()
  #count = 0
  #sum = 0
  #min = Number.POSITIVE_INFINITY
  #max = 0

  update(value: number): void {
    const bounded = Math.max(0, value)
    this.#count++
    this.#sum += bounded
    if (bounded < this.#min) this.#min = bounded
    if (bounded > this.#max) this.#max = bounded
    const bucket = bucketOf(bounded)
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1)
  }

  get count(): number {
    return this.#count
  }

  get sum(): number {
    return this.#sum
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  get min(): number {
    return this.#count === 0 ? 0 : this.#min
  }

  get max(): number {
    return this.#max
  }

  /** Upper bound of the bucket in which the given share (0…1) of all values is reached; 0 without values. */
  percentile(share: number): number {
    if (this.#count === 0) return 0
    const wanted = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (const bucket of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0
      if (seen >= wanted) return Math.min(this.#max, upperBoundOf(bucket))
    }
    return this.#max
  }
}

function bucketOf(value: number): number {
  const scaled = Math.floor(value * SCALE)
  if (scaled < SUB_BUCKETS) return scaled
  let power = 0
  let rest = scaled
  while (rest >= SUB_BUCKETS * 2 && power < POWERS) {
    rest = Math.floor(rest / 2)
    power++
  }
  return SUB_BUCKETS * (power + 1) + Math.min(rest - SUB_BUCKETS, SUB_BUCKETS - 1)
}

function upperBoundOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return (bucket + 1) / SCALE
  const power = Math.floor(bucket / SUB_BUCKETS) - 1
  let upper = SUB_BUCKETS + (bucket % SUB_BUCKETS) + 1
  for (let doubled = 0; doubled < power; doubled++) upper *= 2
  return upper / SCALE
}
