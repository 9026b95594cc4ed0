import type { ExecutionContext } from '../world/context.ts'
import { here } from './here.ts'

const realNextTick = process.nextTick
const realQueueMicrotask = globalThis.queueMicrotask

/**
 * An error that leaves a `nextTick` or `queueMicrotask` callback while the world drains ticks would unwind through
 * Node's own loop, which cannot bear it there and aborts the process. So callbacks are wrapped, and the error ends the
 * process of the world, or fails the trial.
 */
export function installNextTick(): void {
  let outside = realNextTick
  function nextTick(callback: (...args: unknown[]) => void, ...args: unknown[]): void {
    const place = here()
    if (place === undefined || typeof callback !== 'function') Reflect.apply(outside, process, [callback, ...args])
    else realNextTick.call(process, () => guarded(place, callback, args))
  }
  // Test runners put their own function here for a while and may forget to put back what they found. So others can only
  // say what happens outside of trials.
  Object.defineProperty(process, 'nextTick', {
    get: () => nextTick,
    set: (value: typeof realNextTick) => {
      outside = value === nextTick ? realNextTick : value
    },
    enumerable: true,
    configurable: true,
  })
  globalThis.queueMicrotask = function queueMicrotask(callback: () => void): void {
    const place = here()
    if (place === undefined || typeof callback !== 'function') realQueueMicrotask(callback)
    else realQueueMicrotask(() => guarded(place, callback, []))
  }
}

function guarded(place: ExecutionContext, callback: (...args: unknown[]) => void, args: unknown[]): void {
  const { process: owner, world } = place
  if (owner !== undefined && !owner.alive) return
  try {
    callback(...args)
  } catch (error) {
    world.uncaught(error, owner)
  }
}
