import type { Clock } from '../runtime.ts'

/** The machine's clocks. Monotonic time counts from the start of the process. */
export const nodeClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
}
