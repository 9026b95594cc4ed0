import type { RandomStream } from '../../src/runtime/runtime.ts'
import type { Lane } from './lane.ts'

/**
 * Decides between what could happen next. It never reorders one lane: equal lane and time must give equal priority.
 */
export interface ScheduleStrategy {
  readonly name: ScheduleName
  /** Orders lanes that have events at the same instant; lower runs first. */
  priority(lane: Lane, timeUs: number): number
  /** How long a thread that is woken at `timeUs` waits until it runs, in whole microseconds ≥ 0. */
  wakeDelayUs(lane: Lane, timeUs: number): number
}

export const SCHEDULE_NAMES = ['fifo', 'random', 'pct', 'starve-one-host'] as const
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

/** A number from 0 to 65535 that depends on all three and on nothing else. */
function mix(a: number, b: number, salt: number): number {
  let hash = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul((b % 0x7fffffff) + salt, 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 16
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
    return mix(lane.id, timeUs, this.#salt)
  }

  wakeDelayUs(): number {
    const draw = this.#random.float()
    if (draw < 0.7) return 0
    if (draw < 0.95) return this.#random.int(1, 100)
    return this.#random.int(100, 3000) // preempted for a time slice
  }
}

/** Phases of a schedule: few, long ones, so that a bug that needs a few unlucky choices has a fair chance. */
const PHASE_US = { shortest: 100_000, longest: 4_000_000 }
/** After so many the last one goes on. */
const PHASES = 40

class Phases {
  readonly #endsUs: number[] = []
  #current = 0

  constructor(random: RandomStream) {
    let endUs = 0
    for (let phase = 0; phase < PHASES; phase++) {
      endUs += random.int(PHASE_US.shortest, PHASE_US.longest)
      this.#endsUs.push(endUs)
    }
  }

  at(timeUs: number): number {
    // Times that are asked for are mostly close together, and events may be scheduled ahead.
    let phase = this.#current
    while (phase > 0 && timeUs < (this.#endsUs[phase - 1] as number)) phase--
    while (phase < PHASES && timeUs >= (this.#endsUs[phase] as number)) phase++
    this.#current = phase
    return phase
  }
}

/**
 * Probabilistic concurrency testing: every thread has a rank, and few change points give it another. Whoever has a low rank
 * runs last, and those with the lowest wait long each time they are woken.
 */
class PctSchedule implements ScheduleStrategy {
  readonly name = 'pct'
  readonly #phases: Phases
  readonly #salt: number

  constructor(random: RandomStream) {
    this.#phases = new Phases(random)
    this.#salt = random.int(0, 0x7fffffff)
  }

  priority(lane: Lane, timeUs: number): number {
    return mix(lane.id, this.#phases.at(timeUs), this.#salt)
  }

  wakeDelayUs(lane: Lane, timeUs: number): number {
    const rank = mix(lane.id, this.#phases.at(timeUs), this.#salt)
    return rank < 0xf000 ? 0 : 500 + rank - 0xf000 // one lane in sixteen, up to 4.6 ms
  }
}

/** In every phase one host's threads run last and wait each time they are woken, as on a machine that others crowd. */
class StarveOneHostSchedule implements ScheduleStrategy {
  readonly name = 'starve-one-host'
  readonly #random: RandomStream
  readonly #phases: Phases
  readonly #salt: number

  constructor(random: RandomStream) {
    this.#random = random
    this.#phases = new Phases(random)
    this.#salt = random.int(0, 0x7fffffff)
  }

  priority(lane: Lane, timeUs: number): number {
    return this.#starves(lane, timeUs) ? 1 : 0
  }

  wakeDelayUs(lane: Lane, timeUs: number): number {
    return this.#starves(lane, timeUs) ? this.#random.int(100, 10_000) : 0
  }

  /** The victims are among the first hosts of a world: those are the nodes on trial. */
  #starves({ process }: Lane, timeUs: number): boolean {
    if (process === undefined) return false
    const { number, world } = process.host
    const victim = mix(0, this.#phases.at(timeUs), this.#salt) % Math.min(MAX_VICTIMS, world.hosts.size)
    return number === victim + 1
  }
}

const MAX_VICTIMS = 6

/** @param random the world's stream for scheduling decisions, separate from all others */
export function createSchedule(name: ScheduleName, random: RandomStream): ScheduleStrategy {
  switch (name) {
    case 'fifo':
      return new FifoSchedule()
    case 'random':
      return new RandomSchedule(random)
    case 'pct':
      return new PctSchedule(random)
    case 'starve-one-host':
      return new StarveOneHostSchedule(random)
  }
}
