import { here } from './here.ts'

const realNextTick = process.nextTick

/**
 * An error that leaves a `nextTick` callback while the world drains ticks would unwind through Node's own tick loop,
 * which cannot bear it and aborts the process. So callbacks are wrapped, and the error fails the trial.
 */
export function installNextTick(): void {
  process.nextTick = function nextTick(callback: (...args: unknown[]) => void, ...args: unknown[]): void {
    const place = here()
    if (place === undefined || typeof callback !== 'function') {
      Reflect.apply(realNextTick, process, [callback, ...args])
      return
    }
    realNextTick.call(process, () => {
      const { process: owner } = place
      if (owner !== undefined && !owner.alive) return
      try {
        callback(...args)
      } catch (error) {
        place.world.uncaught(error, owner)
      }
    })
  }
}
