import type { Clock, Runtime } from '../runtime/runtime.ts'
import { Histogram } from './histogram.ts'

/** Length of one tick of a meter's moving average; Yammer's, which Kafka's broker metrics use. */
const TICK_MS = 5000
/** Weight of one tick in a one-minute exponentially weighted moving average. */
const ONE_MINUTE_ALPHA = 1 - Math.exp(-TICK_MS / 60_000)
/** After so many ticks without a mark the average is nothing but rounding. */
const FORGOTTEN_AFTER_TICKS = 500

/** Counts events and knows their rate. */
export class Meter {
  readonly #clock: Clock
  #count = 0
  #uncounted = 0
  #lastTickMs: number
  #oneMinuteRate = 0
  #initialized = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#lastTickMs = clock.monotonicMs()
  }

  /** @param events how many happened; may be a fraction when the meter sums up time */
  mark(events = 1): void {
    this.#tick()
    this.#count += events
    this.#uncounted += events
  }

  get count(): number {
    return this.#count
  }

  /** Events per second, recent minutes weighing most. */
  get oneMinuteRate(): number {
    this.#tick()
    return this.#oneMinuteRate
  }

  #tick(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#lastTickMs
    if (elapsedMs < TICK_MS) return
    const ticks = Math.floor(elapsedMs / TICK_MS)
    this.#lastTickMs += ticks * TICK_MS
    for (let tick = 0; tick < ticks; tick++) {
      if (tick > FORGOTTEN_AFTER_TICKS) {
        this.#oneMinuteRate = 0
        return
      }
      const instantRate = (this.#uncounted * 1000) / TICK_MS
      this.#uncounted = 0
      if (this.#initialized) this.#oneMinuteRate += ONE_MINUTE_ALPHA * (instantRate - this.#oneMinuteRate)
      else this.#oneMinuteRate = instantRate
      this.#initialized = true
    }
  }
}

export type Metric =
  | { readonly kind: 'gauge'; readonly value: () => number }
  | { readonly kind: 'meter'; readonly meter: Meter }
  | { readonly kind: 'histogram'; readonly histogram: Histogram }

/**
 * A metric's name as Kafka's JMX reporter prints it: `kafka.network:type=RequestChannel,name=RequestQueueSize`.
 * Tags follow in the order given.
 */
export function metricName(
  group: string,
  type: string,
  name: string,
  tags: Readonly<Record<string, string>> = {},
): string {
  let text = `${group}:type=${type},name=${name}`
  for (const [key, value] of Object.entries(tags)) text += `,${key}=${value}`
  return text
}

/** The metrics of one broker by their Kafka names. One name is one metric; asking again gives the same one. */
export class Metrics {
  readonly #clock: Clock
  readonly #metrics = new Map<string, Metric>()

  constructor(runtime: Runtime) {
    this.#clock = runtime.clock
  }

  /** Registers a value that is read when somebody looks; replaces a gauge of that name. */
  gauge(name: string, value: () => number): void {
    this.#metrics.set(name, { kind: 'gauge', value })
  }

  meter(name: string): Meter {
    const found = this.#metrics.get(name)
    if (found?.kind === 'meter') return found.meter
    this.#mustBeNew(name, found)
    const meter = new Meter(this.#clock)
    this.#metrics.set(name, { kind: 'meter', meter })
    return meter
  }

  histogram(name: string): Histogram {
    const found = this.#metrics.get(name)
    if (found?.kind === 'histogram') return found.histogram
    this.#mustBeNew(name, found)
    const histogram = new Histogram()
    this.#metrics.set(name, { kind: 'histogram', histogram })
    return histogram
  }

  get(name: string): Metric | undefined {
    return this.#metrics.get(name)
  }

  /** A metric as one number: a gauge's value, a meter's or histogram's count; undefined when there is no such metric. */
  value(name: string): number | undefined {
    const metric = this.#metrics.get(name)
    if (metric === undefined) return undefined
    if (metric.kind === 'gauge') return metric.value()
    return metric.kind === 'meter' ? metric.meter.count : metric.histogram.count
  }

  remove(name: string): void {
    this.#metrics.delete(name)
  }

  /** All names, in the order in which the metrics were registered. */
  names(): string[] {
    return [...this.#metrics.keys()]
  }

  #mustBeNew(name: string, found: Metric | undefined): void {
    if (found !== undefined) throw new Error(`metric ${name} is a ${found.kind} already`)
  }
}
