import { SampledRate } from '../network/sampled-rate.ts'
import type { Runtime } from '../runtime/runtime.ts'

/** `metrics.sample.window.ms` and `metrics.num.samples` as Kafka has them by default. */
const SAMPLE_WINDOW_MS = 30_000
const NUM_SAMPLES = 2

/** A metric's name as the Java client gives it: name, group and tags. */
export interface MetricName {
  readonly name: string
  readonly group: string
  readonly tags: Readonly<Record<string, string>>
}

/** A metric and what it is now. NaN: nothing was recorded lately. */
export interface KafkaMetric extends MetricName {
  readonly value: number
}

/**
 * What is made of recorded values, over the last minute or since the beginning (Kafka's Avg, Max, Min, Rate, Rate of
 * WindowedCount, CumulativeSum, CumulativeCount, Value).
 */
export type StatKind = 'avg' | 'max' | 'min' | 'rate' | 'event-rate' | 'total' | 'event-total' | 'last'

interface Stat {
  record(value: number, nowMs: number): void
  measure(nowMs: number): number
}

/** The metrics of one client by the Java client's names (org.apache.kafka.common.metrics.Metrics). */
export class ClientMetrics {
  readonly #runtime: Runtime
  readonly #metrics = new Map<string, { readonly metric: MetricName; readonly stat: Stat }>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Makes a metric of recorded values; the one there is when the name is taken. Returns what records a value. */
  stat(kind: StatKind, name: string, group: string, tags: Readonly<Record<string, string>>): (value: number) => void {
    const stat = this.#register({ name, group, tags }, () => createStat(kind))
    return value => stat.record(value, this.#nowMs())
  }

  /** Makes a metric whose value is asked for when somebody looks. */
  gauge(name: string, group: string, tags: Readonly<Record<string, string>>, measure: (nowMs: number) => number): void {
    this.#register({ name, group, tags }, () => ({ record: () => {}, measure }))
  }

  /** All metrics, in the order in which they were made. */
  all(): KafkaMetric[] {
    const nowMs = this.#nowMs()
    return [...this.#metrics.values()].map(({ metric, stat }) => ({ ...metric, value: stat.measure(nowMs) }))
  }

  /** The first metric of that name, of that group and with at least those tags; undefined: there is none. */
  value(name: string, group?: string, tags: Readonly<Record<string, string>> = {}): number | undefined {
    for (const { metric, stat } of this.#metrics.values()) {
      if (metric.name !== name || (group !== undefined && metric.group !== group)) continue
      if (Object.entries(tags).every(([key, value]) => metric.tags[key] === value)) return stat.measure(this.#nowMs())
    }
    return undefined
  }

  remove(name: string, group: string, tags: Readonly<Record<string, string>>): void {
    this.#metrics.delete(keyOf({ name, group, tags }))
  }

  #register(metric: MetricName, create: () => Stat): Stat {
    const key = keyOf(metric)
    const found = this.#metrics.get(key)
    if (found !== undefined) return found.stat
    const stat = create()
    this.#metrics.set(key, { metric, stat })
    return stat
  }

  #nowMs(): number {
    return this.#runtime.clock.monotonicMs()
  }
}

function keyOf({ name, group, tags }: MetricName): string {
  return JSON.stringify([group, name, tags])
}

function createStat(kind: StatKind): Stat {
  switch (kind) {
    case 'avg':
      return new SampledStat(samples => sum(samples, ({ total }) => total) / sum(samples, ({ count }) => count))
    case 'max':
      return new SampledStat(samples => (isEmpty(samples) ? Number.NaN : Math.max(...samples.map(({ max }) => max))))
    case 'min':
      return new SampledStat(samples => (isEmpty(samples) ? Number.NaN : Math.min(...samples.map(({ min }) => min))))
    case 'rate':
      return rate(value => value)
    case 'event-rate':
      return rate(() => 1)
    case 'total':
      return cumulative((total, value) => total + value)
    case 'event-total':
      return cumulative(total => total + 1)
    case 'last':
      return cumulative((_, value) => value)
  }
}

interface Sample {
  readonly startMs: number
  count: number
  total: number
  max: number
  min: number
}

/** Kafka's SampledStat: values fall into windows of time, of which the last few count. */
class SampledStat implements Stat {
  readonly #combine: (samples: readonly Sample[]) => number
  #samples: Sample[] = []

  constructor(combine: (samples: readonly Sample[]) => number) {
    this.#combine = combine
  }

  record(value: number, nowMs: number): void {
    let sample = this.#samples.at(-1)
    if (sample === undefined || nowMs - sample.startMs >= SAMPLE_WINDOW_MS) {
      sample = { startMs: nowMs, count: 0, total: 0, max: Number.NEGATIVE_INFINITY, min: Number.POSITIVE_INFINITY }
      this.#samples.push(sample)
      if (this.#samples.length > NUM_SAMPLES) this.#samples.shift()
    }
    sample.count++
    sample.total += value
    sample.max = Math.max(sample.max, value)
    sample.min = Math.min(sample.min, value)
  }

  measure(nowMs: number): number {
    this.#samples = this.#samples.filter(({ startMs }) => nowMs - startMs < NUM_SAMPLES * SAMPLE_WINDOW_MS)
    return this.#combine(this.#samples)
  }
}

function rate(amountOf: (value: number) => number): Stat {
  const sampled = new SampledRate(NUM_SAMPLES, SAMPLE_WINDOW_MS)
  return {
    record: (value, nowMs) => sampled.record(amountOf(value), nowMs),
    measure: nowMs => sampled.measure(nowMs).perSecond,
  }
}

function cumulative(next: (total: number, value: number) => number): Stat {
  let total = 0
  return {
    record: value => {
      total = next(total, value)
    },
    measure: () => total,
  }
}

function isEmpty(samples: readonly Sample[]): boolean {
  return samples.length === 0
}

function sum(samples: readonly Sample[], of: (sample: Sample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0)
}
