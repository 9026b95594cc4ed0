import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ExecutionContext } from '../world/context.ts'
import type { WorldEvent } from '../world/event-heap.ts'
import { captureContext, type World } from '../world/world.ts'
import { dueUs, here, laneOf } from './here.ts'

const real = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  setImmediate: globalThis.setImmediate,
  clearTimeout: globalThis.clearTimeout,
  clearInterval: globalThis.clearInterval,
  clearImmediate: globalThis.clearImmediate,
}
const realPromises = {
  setTimeout: timersPromises.setTimeout,
  setImmediate: timersPromises.setImmediate,
  setInterval: timersPromises.setInterval,
  wait: timersPromises.scheduler.wait.bind(timersPromises.scheduler),
  yield: timersPromises.scheduler.yield.bind(timersPromises.scheduler),
}

type Callback = (...args: unknown[]) => void

const MAX_DELAY_MS = 2_147_483_647
/** Timers that were turned into a number and can be cleared by it. By world, so that each counts from the same start. */
const numbered = new WeakMap<World, { readonly timers: Map<number, VirtualTimer>; last: number }>()

function numbersOf(world: World): { readonly timers: Map<number, VirtualTimer>; last: number } {
  let numbers = numbered.get(world)
  if (numbers === undefined) {
    numbers = { timers: new Map(), last: MAX_DELAY_MS } // apart from the numbers of real timers
    numbered.set(world, numbers)
  }
  return numbers
}

/** Node's rule: delays outside 1 … 2^31 - 1 ms mean 1 ms; fractions are cut. */
function normalizeDelay(delay: unknown): number {
  const ms = Number(delay)
  return ms >= 1 && ms <= MAX_DELAY_MS ? Math.trunc(ms) : 1
}

/** A timer on virtual time with the face of Node's `Timeout` and `Immediate`. */
export class VirtualTimer {
  readonly #place: ExecutionContext
  readonly #callback: Callback
  readonly #args: unknown[]
  readonly #delayMs: number
  readonly #repeats: boolean
  /** The context of the code that made the timer: also for later rounds and after `refresh` from elsewhere, as in Node. */
  readonly #context = captureContext()
  #event: WorldEvent | undefined
  #referenced = true
  #closed = false
  #number: number | undefined

  /** @param delayMs 0 is an immediate */
  constructor(place: ExecutionContext, callback: Callback, args: unknown[], delayMs: number, repeats: boolean) {
    this.#place = place
    this.#callback = callback
    this.#args = args
    this.#delayMs = delayMs
    this.#repeats = repeats
    this.#arm()
  }

  #arm(): void {
    const place = this.#place
    const kind = this.#delayMs === 0 ? 'immediate' : 'timer'
    const fire = (): void => this.#fire()
    this.#event = place.world.atInContext(dueUs(place, this.#delayMs), laneOf(place), kind, fire, this.#context)
  }

  #fire(): void {
    this.#event = undefined
    const owner = this.#place.process
    if (owner !== undefined) owner.timersFired++
    if (this.#repeats) this.#arm()
    else this.#forget()
    this.#callback.apply(this, this.#args)
  }

  #forget(): void {
    if (this.#number !== undefined) numbersOf(this.#place.world).timers.delete(this.#number)
  }

  refresh(): this {
    if (this.#closed) return this
    this.#cancel()
    this.#arm()
    return this
  }

  close(): this {
    this.#closed = true
    this.#cancel()
    this.#forget()
    return this
  }

  #cancel(): void {
    if (this.#event !== undefined) this.#event.cancelled = true
    this.#event = undefined
  }

  ref(): this {
    this.#referenced = true
    return this
  }

  unref(): this {
    this.#referenced = false
    return this
  }

  hasRef(): boolean {
    return this.#referenced
  }

  [Symbol.toPrimitive](): number {
    if (this.#number === undefined) {
      const numbers = numbersOf(this.#place.world)
      this.#number = ++numbers.last
      numbers.timers.set(this.#number, this)
    }
    return this.#number
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/** A virtual timer at the running code's place; undefined on the real host. */
function virtualTimer(callback: unknown, delayMs: number, repeats: boolean, args: unknown[]): VirtualTimer | undefined {
  const place = here()
  if (place === undefined) return undefined
  if (typeof callback !== 'function') {
    throw Object.assign(
      new TypeError(`The "callback" argument must be of type function. Received ${typeof callback}`),
      {
        code: 'ERR_INVALID_ARG_TYPE',
      },
    )
  }
  return new VirtualTimer(place, callback as Callback, args, delayMs, repeats)
}

function clearing(realClear: (handle: never) => void): (handle: unknown) => void {
  return handle => {
    if (handle instanceof VirtualTimer) handle.close()
    else if (typeof handle === 'number' || typeof handle === 'string') {
      const place = here()
      const virtual = place === undefined ? undefined : numbersOf(place.world).timers.get(Number(handle))
      if (virtual === undefined) realClear(handle as never)
      else virtual.close()
    } else realClear(handle as never)
  }
}

interface DelayOptions {
  readonly signal?: AbortSignal
}

function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
    name: 'AbortError',
    code: 'ABORT_ERR',
  })
}

function delayed<T>(place: ExecutionContext, delayMs: number, value: T, options?: DelayOptions): Promise<T> {
  return new Promise((resolve, reject) => {
    const signal = options?.signal
    if (signal?.aborted) {
      reject(abortError(signal))
      return
    }
    const onAbort = (): void => {
      timer.close()
      reject(abortError(signal as AbortSignal))
    }
    const timer = new VirtualTimer(
      place,
      () => {
        signal?.removeEventListener('abort', onAbort)
        resolve(value)
      },
      [],
      delayMs,
      false,
    )
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

async function* virtualInterval<T>(
  place: ExecutionContext,
  delay: unknown,
  value: T,
  options?: DelayOptions,
): AsyncGenerator<T> {
  for (;;) yield await delayed(place, normalizeDelay(delay), value, options)
}

const virtualSetTimeout = function setTimeout(callback: unknown, delay?: unknown, ...args: unknown[]): unknown {
  return (
    virtualTimer(callback, normalizeDelay(delay), false, args) ??
    Reflect.apply(real.setTimeout, globalThis, [callback, delay, ...args])
  )
}
const virtualSetInterval = function setInterval(callback: unknown, delay?: unknown, ...args: unknown[]): unknown {
  return (
    virtualTimer(callback, normalizeDelay(delay), true, args) ??
    Reflect.apply(real.setInterval, globalThis, [callback, delay, ...args])
  )
}
const virtualSetImmediate = function setImmediate(callback: unknown, ...args: unknown[]): unknown {
  return virtualTimer(callback, 0, false, args) ?? Reflect.apply(real.setImmediate, globalThis, [callback, ...args])
}

const promised = {
  setTimeout: <T>(delay?: unknown, value?: T, options?: DelayOptions): Promise<T | undefined> => {
    const place = here()
    return place === undefined
      ? realPromises.setTimeout(delay as number, value, options)
      : delayed(place, normalizeDelay(delay), value, options)
  },
  setImmediate: <T>(value?: T, options?: DelayOptions): Promise<T | undefined> => {
    const place = here()
    return place === undefined ? realPromises.setImmediate(value, options) : delayed(place, 0, value, options)
  },
  setInterval: <T>(delay?: unknown, value?: T, options?: DelayOptions): AsyncIterable<T | undefined> => {
    const place = here()
    return place === undefined
      ? realPromises.setInterval(delay as number, value, options)
      : virtualInterval(place, delay, value, options)
  },
}

/** Puts virtual timers in place of Node's, in every import style. */
export function installTimers(): void {
  Object.defineProperty(virtualSetTimeout, promisify.custom, { value: promised.setTimeout })
  Object.defineProperty(virtualSetImmediate, promisify.custom, { value: promised.setImmediate })
  const replacements = {
    setTimeout: virtualSetTimeout,
    setInterval: virtualSetInterval,
    setImmediate: virtualSetImmediate,
    clearTimeout: clearing(real.clearTimeout as (handle: never) => void),
    clearInterval: clearing(real.clearInterval as (handle: never) => void),
    clearImmediate: clearing(real.clearImmediate as (handle: never) => void),
  }
  Object.assign(globalThis, replacements)
  Object.assign(timers, replacements)
  Object.assign(timersPromises, promised)
  Object.assign(timersPromises.scheduler, {
    wait: (delay: number, options?: DelayOptions) =>
      here() === undefined ? realPromises.wait(delay, options) : promised.setTimeout(delay, undefined, options),
    yield: () => (here() === undefined ? realPromises.yield() : promised.setImmediate()),
  })
}
