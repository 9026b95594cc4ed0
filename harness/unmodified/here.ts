import type { RandomStream } from '../../src/runtime/runtime.ts'
import { currentContext, type ExecutionContext } from '../world/context.ts'
import type { Lane } from '../world/lane.ts'

/** The simulated place the running code is in; undefined when it runs on the real host. */
export function here(): ExecutionContext | undefined {
  return currentContext()
}

/** The lane for timers and callbacks of the code at a place. */
export function laneOf(place: ExecutionContext): Lane {
  return place.process?.mainLane ?? place.world.mainLane
}

/** Wall time at a place: whole milliseconds since 1970. */
export function wallMsOf(place: ExecutionContext): number {
  const { process, world } = place
  return process === undefined ? Math.floor(world.epochMs + world.nowMs) : process.clock.wallMs()
}

/** Monotonic milliseconds at a place, with fractions. */
export function monotonicMsOf(place: ExecutionContext): number {
  return place.process === undefined ? place.world.nowMs : place.process.clock.monotonicMs()
}

/** World time at which a delay that starts now at a place is over. */
export function dueUs(place: ExecutionContext, delayMs: number): number {
  const { process, world } = place
  return world.nowUs + (process === undefined ? Math.round(delayMs * 1000) : process.host.clock.toWorldUs(delayMs))
}

const streams = new WeakMap<object, RandomStream>()

/** The random stream of the unmodified code of a process (or of the trial's main program). */
export function randomOf(place: ExecutionContext): RandomStream {
  const owner = place.process ?? place.world
  let stream = streams.get(owner)
  if (stream === undefined) {
    stream = place.process === undefined ? place.world.random('main') : place.process.random.stream('unmodified')
    streams.set(owner, stream)
  }
  return stream
}

/** Calls back from the place's event loop, now but later, in the caller's async context. */
export function soon(place: ExecutionContext, callback: () => void): void {
  place.world.atInContext(place.world.nowUs, laneOf(place), 'async', callback)
}
