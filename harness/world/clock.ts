import type { Clock } from '../../src/runtime/runtime.ts'
import type { World } from './world.ts'

/** A host's clocks: monotonic time that may run too fast or slow, wall time that may also be wrong and jump. */
export class SimulatedClock implements Clock {
  readonly #world: World
  #rate = 1
  #baseWorldUs = 0
  #baseHostUs = 0
  #wallOffsetMs: number
  readonly #rightOffsetMs: number

  /** @param offsetMs how far the wall clock is ahead of the world's (negative: behind) */
  constructor(world: World, offsetMs: number, driftPpm: number) {
    this.#world = world
    this.#wallOffsetMs = offsetMs
    this.#rightOffsetMs = offsetMs
    this.setDrift(driftPpm)
  }

  monotonicMs(): number {
    return this.#hostUs() / 1000
  }

  wallMs(): number {
    return Math.floor(this.#world.epochMs + this.#wallOffsetMs + this.#hostUs() / 1000)
  }

  /** Whether it shows the world's time and keeps its pace: it has neither jumped nor drifted, or that was put right. */
  get isRight(): boolean {
    return this.#rate === 1 && this.#wallOffsetMs === this.#rightOffsetMs
  }

  /** World microseconds that pass while this host counts `hostMs`; at least as long as asked. */
  toWorldUs(hostMs: number): number {
    return Math.ceil((hostMs * 1000) / this.#rate)
  }

  /** Moves the wall clock by `byMs` at once; monotonic time does not notice. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  /** From now on the clock gains `ppm` (above -1,000,000) microseconds a second. Timers already armed keep their time. */
  setDrift(ppm: number): void {
    if (!(ppm > -1_000_000 && ppm < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`a clock's drift is more than -1,000,000 ppm and finite, not ${ppm}`)
    }
    this.#baseHostUs = this.#hostUs()
    this.#baseWorldUs = this.#world.nowUs
    this.#rate = 1 + ppm / 1_000_000
  }

  #hostUs(): number {
    return this.#baseHostUs + (this.#world.nowUs - this.#baseWorldUs) * this.#rate
  }
}
