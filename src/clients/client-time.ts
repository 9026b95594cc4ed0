import type { Runtime } from '../runtime/runtime.ts'

/**
 * The monotonic clock in whole milliseconds, as Kafka's clients count time. Differences of fractions can fall short of a
 * timeout by less than any timer can wait for; whole ones cannot.
 */
export function clientTimeMs(runtime: Runtime): number {
  return Math.floor(runtime.clock.monotonicMs())
}
