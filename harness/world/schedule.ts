import type { RandomStream } from '../../src/runtime/runtime.ts'
import type { Lane } from './lane.ts'

/**
 * Decides between what could happen next. It never reorders one lane: equal lane and time must give equal priority.
 */
export interface ScheduleStrategy {
  readonly name: ScheduleName
  /** Orders lanes that have events at the same instant; lower runs first. */
  priority(lane: Lane, timeUs: number): number
  /** How long a thread that was woken waits until it runs, in whole microseconds ≥ 0. */
  wakeDelayUs(lane: Lane): number
}

export const SCHEDULE_NAMES = ['fifo', 'random'] as const
export type ScheduleName = (typeof SCHEDULE_NAMES)[number]

class FifoSchedule implements ScheduleStrategy {
  readonly name = 'fifo'

  priority(): number {
    return 0
  }

  wakeDelayUs(): number {
    return 0
  }
}

/** Shuffles lanes at every instant, and delays some wake-ups as a busy machine's scheduler does. */
class RandomSchedule implements ScheduleStrategy {
  readonly name = 'random'
  readonly #random: RandomStream
  readonly #salt: number

  constructor(random: RandomStream) {
    this.#random = random
    this.#salt = random.int(0, 0x7fffffff)
  }

  priority(lane: Lane, timeUs: number): number {
    let hash = Math.imul(lane.id + 1, 0x9e3779b1) ^ Math.imul((timeUs % 0x7fffffff) + this.#salt, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return (hash ^ (hash >>> 13)) >>> 16
  }

  wakeDelayUs(): number {
    const draw = this.#random.float()
    if (draw < 0.7) return 0
    if (draw < 0.95) return this.#random.int(1, 100)
    return this.#random.int(100, 3000) // preempted for a time slice
  }
}

/** @param random the world's stream for scheduling decisions, separate from all others */
export function createSchedule(name: ScheduleName, random: RandomStream): ScheduleStrategy {
  return name === 'fifo' ? new FifoSchedule() : new RandomSchedule(random)
}
